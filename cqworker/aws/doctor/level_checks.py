"""The levels of queues: whether one was taken out that still has messages, and whether a worker polls only one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from cqworker.aws.aws_call import Calls
from cqworker.aws.doctor.check_result import DENIED_CODES, CheckResult
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.provision.create_queues import attributes_of
from cqworker.clock import Clock
from cqworker.model.priorities import PRIORITIES, level_queue
from cqworker.settings import QueueSettings, Settings

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
"""What SQS counts of a queue: what waits, what is in somebody's hands, what is delayed."""


async def check_levels(clients: Calls, settings: Settings, clock: Clock) -> AsyncIterator[CheckResult]:
    """Of all queues. Raises AwsFault where the registry cannot be read."""
    polled = {name for queue in settings.queues for name in queue.queues}
    for queue in settings.queues:
        for priority in PRIORITIES:
            name = level_queue(queue.name, priority)
            if name not in polled and (waiting := await _messages_in(clients, name)):
                yield _taken_out(queue, priority, name, waiting)
    levelled = [queue for queue in settings.queues if queue.priorities]
    if levelled:
        async for result in _check_workers(DynamoFleet(clients, settings.store.table, clock), levelled, clock.now()):
            yield result


def _taken_out(queue: QueueSettings, priority: str, name: str, waiting: int) -> CheckResult:
    what = f'About {waiting} messages are in "{name}", which is no level of this queue: nobody receives them.'
    fix = f'Add "{priority}" to its priorities, or have it emptied as a queue of its own: [[queues]] name = "{name}".'
    return CheckResult("warning", f"queue {queue.name}", what, fix)


async def _messages_in(clients: Calls, name: str) -> int:
    """About how many; 0 where there is no such queue, and where this role may not ask: it may be somebody else's."""
    try:
        found = await attributes_of(clients, name)
    except AwsFault as fault:
        if fault.code not in DENIED_CODES:
            raise
        return 0
    return sum(int(found[1].get(count, 0)) for count in COUNTS) if found else 0


async def _check_workers(fleet: DynamoFleet, queues: Sequence[QueueSettings], now: int) -> AsyncIterator[CheckResult]:
    members = await fleet.members()
    for said in (member.heartbeat for member in members if member.heartbeat.is_alive(now)):
        receives = {level.queue for level in said.levels}
        for queue in queues:
            lacks = [level.priority for level in queue.levels if level.queue not in receives]
            if queue.name in said.queues and lacks:
                yield CheckResult(
                    "warning",
                    f"queue {queue.name}",
                    f"The worker {said.worker} (release {said.release}) receives no messages of {', '.join(lacks)}: "
                    "it is of a version from before priorities, or has other settings.",
                    "Deploy this version with these settings there, too.",
                )
