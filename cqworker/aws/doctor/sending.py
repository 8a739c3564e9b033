"""Whether messages can be sent, to the configured queues and to others that a job or a worker on this table names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from cqworker.aws.aws_call import Calls, Declined
from cqworker.aws.doctor.check_result import DENIED_CODES, CheckResult, try_call
from cqworker.aws.dynamodb.due_index import DynamoSchedule
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import Operation
from cqworker.aws.provision.create_queues import FIND_QUEUE
from cqworker.clock import Clock
from cqworker.errors import NotProvisioned
from cqworker.model.record import SHARDS
from cqworker.settings import Settings

BAD_DELAY = frozenset({"InvalidParameterValue"})
"""How SQS refuses an entry whose delay is too long (SendMessageBatch, BatchResultErrorEntry)."""
TRY_SEND = Operation("sqs", "SendMessageBatch", "sqs:SendMessage", declines=BAD_DELAY)
NEVER_SENT = {"Id": "0", "MessageBody": "cqworker doctor tries whether it may send.", "DelaySeconds": 901}
"""A message that is never taken, for its delay is too long; whether the role may send is judged before its entries."""
PAGE = 100
"""Due jobs of each shard that are looked at, the first to be due first: one BatchGetItem."""
FOR_EVER = 253_402_300_799_999
"""The last millisecond that a date can have (datetime.MAXYEAR)."""
MOST_QUEUES, MOST_WORKERS = 20, 3
"""Queues that are tried, a call or two each, and workers that are named with each."""


@dataclass(slots=True)
class Mentions:
    """Who names a queue."""

    jobs: int = 0
    workers: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As the subject of a sentence."""
        said = []
        if self.jobs:
            one = "1 job that waits for its time"
            said.append(one if self.jobs == 1 else f"{self.jobs} jobs that wait for their time")
        if self.workers:
            more = ", …" if len(self.workers) > MOST_WORKERS else ""
            plural = "s" if len(self.workers) > 1 else ""
            said.append(f"the worker{plural} {', '.join(self.workers[:MOST_WORKERS])}{more}")
        is_one = self.jobs + len(self.workers) == 1
        return f"{' and '.join(said)} name{'s' if is_one else ''} it"


async def may_send(clients: Calls, url: str, about: str) -> bool:
    """Whether SQS shows that this role may send to the queue; False: it cannot be told. Raises AwsFault where not."""
    request = {"QueueUrl": url, "Entries": [NEVER_SENT]}
    return await try_call(clients, TRY_SEND, request, about, BAD_DELAY) is not None


async def check_other_queues(
    clients: Calls, settings: Settings, clock: Clock, records: int
) -> AsyncIterator[CheckResult]:
    """Each queue that the configuration does not have and that due jobs, or live workers, name.

    Whoever sweeps sends to the queue that a record names, whether this process polls it or not.
    """
    mentions = await _mentions(clients, settings, clock, records)
    for name in sorted(mentions)[:MOST_QUEUES]:
        yield await _check(clients, name, mentions[name])


async def _check(clients: Calls, name: str, mentions: Mentions) -> CheckResult:
    subject, about = f"queue {name}", f'queue "{name}"'
    try:
        url = (await clients.call(FIND_QUEUE, {"QueueName": name}, about))["QueueUrl"]
        sending = "; sending is allowed." if await may_send(clients, url, about) else "."
    except Declined:
        what = f"{mentions.text}, and it is not in this account and region: they are not sent."
        cancel = f", or cancel them: `cqworker jobs list --status SCHEDULED --queue {name}` lists them"
        return CheckResult("warning", subject, what, f"Create it{cancel if mentions.jobs else ''}.")
    except AwsFault as fault:
        if fault.code not in DENIED_CODES:
            raise
        what = f"{mentions.text}, and this role may not send to it: what it sweeps there is not sent."
        return CheckResult("warning", subject, what, fault.remedy)
    return CheckResult("ok", subject, f"{mentions.text}{sending}")


async def _mentions(clients: Calls, settings: Settings, clock: Clock, records: int) -> Mapping[str, Mentions]:
    configured = {queue.name for queue in settings.queues}
    found: dict[str, Mentions] = {}
    for queue in await _queues_of_due_jobs(clients, settings.store.table, clock, records):
        found.setdefault(queue, Mentions()).jobs += 1
    for member in await DynamoFleet(clients, settings.store.table, clock).members():
        if member.heartbeat.is_alive(clock.now()):
            for queue in member.heartbeat.queues:
                found.setdefault(queue, Mentions()).workers.append(member.heartbeat.worker)
    return {name: mentions for name, mentions in found.items() if name not in configured}


async def _queues_of_due_jobs(clients: Calls, table: str, clock: Clock, records: int) -> Sequence[str]:
    """The queue of each due job that is looked at; none where the index is missing or denied, which is told elsewhere.

    Raises AwsFault.
    """
    schedule, queues = DynamoSchedule(clients, table, clock), list[str]()
    for shard in range(SHARDS if records else 0):
        try:
            entries, _ = await schedule.due(str(shard), FOR_EVER, min(PAGE, -(-records // SHARDS)))
        except NotProvisioned:
            return queues
        except AwsFault as fault:
            if fault.code not in DENIED_CODES:
                raise
            return queues
        marked = await schedule.read_many([entry.job_id for entry in entries])
        queues += [record.queue for record in marked if record.is_marked]
    return queues
