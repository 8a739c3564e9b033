"""Whether the queues are there, usable, and set as the protocol needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

from cqworker.aws.aws_call import Calls
from cqworker.aws.doctor.check_result import CheckResult, try_call
from cqworker.aws.doctor.kms_keys import check_key
from cqworker.aws.doctor.sending import may_send
from cqworker.aws.operations import BAD_RECEIPT, CHANGE_VISIBILITY_BATCH, DELETE_BATCH
from cqworker.aws.provision.create_queues import RETENTION_SECONDS, Attributes, attributes_of, redrive_of
from cqworker.enums import Role
from cqworker.settings import QueueSettings, Settings, needed_receive_count

PROVISION = "Run `cqworker provision`."
DAY_SECONDS = 86_400
"""Seconds of a day."""
UNITS = ((DAY_SECONDS, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
"""The length of each unit in seconds, the longest first."""


async def check_queue(
    clients: Calls, settings: Settings, roles: Collection[str], queue: QueueSettings, largest_max_attempts: int
) -> AsyncIterator[CheckResult]:
    """The queues of all levels and, for those who run jobs, their dead-letter queue."""
    found = None
    for level in queue.levels:
        subject = f"queue {level.queue}"
        found = await attributes_of(clients, level.queue)
        if found is None:
            yield _missing_queue(subject, level.queue)
            continue
        yield await _check_use(clients, subject, roles, *found, is_sent_to=True)
        for result in _check_settings(queue.of_level(level), found[1], settings, largest_max_attempts):
            yield result
    if queue.dead_letter_queue is not None and Role.WORKER in roles:
        async for result in _check_dead_letter_queue(
            clients, queue.dead_letter_queue, roles, found[1] if found else {}
        ):
            yield result


async def _check_dead_letter_queue(
    clients: Calls, name: str, roles: Collection[str], source: Attributes
) -> AsyncIterator[CheckResult]:
    subject = f"dead-letter queue {name}"
    found = await attributes_of(clients, name)
    if found is None:
        yield _missing_queue(subject, name)
        return
    yield await _check_use(clients, subject, roles, *found)
    kept, needed = _retention(found[1]), _retention(source)
    if kept < needed:
        yield CheckResult(
            "error",
            subject,
            f"It keeps messages for {_duration_text(kept)}, the queue for {_duration_text(needed)}: a dead letter "
            "keeps its age and can be gone as soon as it arrives.",
            PROVISION,
        )
    for result in check_key(subject, found[1].get("KmsMasterKeyId", "")):
        yield result


def _missing_queue(subject: str, name: str) -> CheckResult:
    fix = f"{PROVISION} Or correct its name or AWS_REGION."
    return CheckResult("error", subject, f'There is no queue "{name}" in this account and region.', fix)


async def _check_use(
    clients: Calls,
    subject: str,
    roles: Collection[str],
    url: str,
    attributes: Attributes,
    *,
    is_sent_to: bool = False,
) -> CheckResult:
    """Deleting and hiding under a receipt that never was does no harm, and is refused where the role may not.

    So does sending with a delay that cannot be. Receiving cannot be tried without an effect, so it is not.
    """
    entry = {"Id": "0", "ReceiptHandle": "doctor"}
    can_send = is_sent_to and await may_send(clients, url, subject)
    allowed = " sending is allowed;" if can_send else ""
    if Role.WORKER in roles:
        await try_call(clients, DELETE_BATCH, {"QueueUrl": url, "Entries": [entry]}, subject, BAD_RECEIPT)
        hiding = {"QueueUrl": url, "Entries": [{**entry, "VisibilityTimeout": 0}]}
        await try_call(clients, CHANGE_VISIBILITY_BATCH, hiding, subject, BAD_RECEIPT)
        allowed = f" {'sending, ' if can_send else ''}deleting and hiding are allowed;"
    waiting = attributes.get("ApproximateNumberOfMessages", "?")
    return CheckResult("ok", subject, f"Reachable;{allowed} about {waiting} messages wait.")


def _check_settings(
    queue: QueueSettings, attributes: Attributes, settings: Settings, largest_max_attempts: int
) -> Iterator[CheckResult]:
    subject = f"queue {queue.name}"
    yield from _check_redrive(queue, attributes, largest_max_attempts)
    kept = _retention(attributes)
    if kept >= settings.store.retention_days * DAY_SECONDS:
        what = (
            f"It keeps messages for {_duration_text(kept)}, and records stay for {settings.store.retention_days} days."
        )
        yield CheckResult("error", subject, what, "Raise store.retention_days: a record must outlive its message.")
    elif kept < RETENTION_SECONDS:
        days = _duration_text(RETENTION_SECONDS)
        what = f"It keeps messages for {_duration_text(kept)}, not for {days}: a job that waits longer is lost."
        yield CheckResult("warning", subject, what, PROVISION)
    visibility = int(attributes.get("VisibilityTimeout", queue.visibility_timeout))
    if visibility != queue.visibility_timeout:
        what = f"Its visibility timeout is {visibility} s, queues.visibility_timeout is {queue.visibility_timeout} s."
        yield CheckResult("warning", subject, what, PROVISION)
    yield from check_key(subject, attributes.get("KmsMasterKeyId", ""))


def _check_redrive(queue: QueueSettings, attributes: Attributes, largest_max_attempts: int) -> Iterator[CheckResult]:
    subject = f"queue {queue.name}"
    target, count = redrive_of(attributes)
    wanted, needed = queue.dead_letter_queue, needed_receive_count(largest_max_attempts)
    if wanted is None and target:
        what = f'Its redrive policy moves messages to "{target}", where nobody settles their jobs: they never end.'
        yield CheckResult("error", subject, what, f'Set dead_letter_queue = "{target}" for it.')
    elif wanted is None:
        what = "It has no dead-letter queue: what cannot be read comes back until SQS drops it, and its job never ends."
        yield CheckResult("warning", subject, what, f"Set dead_letter_queue for it. {PROVISION}")
    elif not target:
        what = f'It has no redrive policy, and the settings give it the dead-letter queue "{wanted}".'
        yield CheckResult("error", subject, what, PROVISION)
    elif target != wanted:
        what = f'Its redrive policy moves messages to "{target}", the settings say "{wanted}".'
        yield CheckResult("error", subject, what, f"{PROVISION} Or correct dead_letter_queue.")
    if target and count < needed:
        configured = queue.max_receive_count is not None and queue.max_receive_count < needed
        yield CheckResult(
            "error",
            subject,
            f"SQS gives up after {count} receives; jobs of up to {largest_max_attempts} attempts need {needed}.",
            f"Raise queues.max_receive_count to {needed} or leave it out. {PROVISION}" if configured else PROVISION,
        )


def _retention(attributes: Attributes) -> int:
    return int(attributes.get("MessageRetentionPeriod", RETENTION_SECONDS))


def _duration_text(seconds: int) -> str:
    """The time in the largest unit that there is a whole one of, such as "1 minute" or "1.5 days"."""
    length, unit = next(each for each in UNITS if seconds >= each[0] or each[0] == 1)
    number = f"{seconds / length:.3g}"
    return f"{number} {unit}{'' if number == '1' else 's'}"
