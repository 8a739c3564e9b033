"""Whether the queues are there, usable, and set as the protocol needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

from cqworker.aws.calls import Calls, Declined
from cqworker.aws.inspection.finding import Finding
from cqworker.aws.operations import DELETE_BATCH, HIDE_BATCH
from cqworker.aws.provision.queues import RETENTION, Attributes, attributes_of, redrive_of
from cqworker.settings import QueueSettings, Settings, needed_receive_count

PROVISION = "Run `cqworker provision`."
DAY = 86_400


async def queue_findings(
    clients: Calls, settings: Settings, queue: QueueSettings, largest_max_attempts: int
) -> AsyncIterator[Finding]:
    """One queue and its dead-letter queue."""
    found = await attributes_of(clients, queue.name)
    if found is None:
        yield _missing(f"queue {queue.name}", queue.name)
    else:
        yield await _usable(clients, f"queue {queue.name}", *found)
        for finding in _settings_of(queue, found[1], settings, largest_max_attempts):
            yield finding
    if queue.dead_letter_queue is not None:
        async for finding in _dead_letters(clients, queue.dead_letter_queue, found[1] if found else {}):
            yield finding


async def _dead_letters(clients: Calls, name: str, source: Attributes) -> AsyncIterator[Finding]:
    subject = f"dead-letter queue {name}"
    found = await attributes_of(clients, name)
    if found is None:
        yield _missing(subject, name)
        return
    yield await _usable(clients, subject, *found)
    kept, needed = _retention(found[1]), _retention(source)
    if kept < needed:
        yield Finding(
            "error",
            subject,
            f"It keeps messages for {kept / DAY:g} days, the queue for {needed / DAY:g}: a dead letter keeps its age "
            "and can be gone as soon as it arrives.",
            PROVISION,
        )


def _missing(subject: str, name: str) -> Finding:
    fix = f"{PROVISION} Or correct its name or AWS_REGION."
    return Finding("error", subject, f'There is no queue "{name}" in this account and region.', fix)


async def _usable(clients: Calls, subject: str, url: str, attributes: Attributes) -> Finding:
    """Deleting and hiding under a receipt that never was does no harm, and is refused where the role may not.

    Sending and receiving cannot be tried without an effect, so they are not.
    """
    entry = {"Id": "0", "ReceiptHandle": "doctor"}
    with suppress(Declined):
        await clients.call(DELETE_BATCH, {"QueueUrl": url, "Entries": [entry]}, subject)
    with suppress(Declined):
        await clients.call(HIDE_BATCH, {"QueueUrl": url, "Entries": [{**entry, "VisibilityTimeout": 0}]}, subject)
    waiting = attributes.get("ApproximateNumberOfMessages", "?")
    return Finding("ok", subject, f"Reachable; deleting and hiding are allowed; about {waiting} messages wait.")


def _settings_of(
    queue: QueueSettings, attributes: Attributes, settings: Settings, largest_max_attempts: int
) -> Iterator[Finding]:
    subject = f"queue {queue.name}"
    yield from _redrive(queue, attributes, largest_max_attempts)
    kept = _retention(attributes)
    if kept >= settings.store.retention_days * DAY:
        what = f"It keeps messages for {kept / DAY:g} days, records stay {settings.store.retention_days}."
        yield Finding("error", subject, what, "Raise store.retention_days: a record must outlive its message.")
    elif kept < RETENTION:
        what = f"It keeps messages for {kept / DAY:g} days of 14: a job that waits longer is lost."
        yield Finding("warning", subject, what, PROVISION)
    visibility = attributes.get("VisibilityTimeout", str(queue.visibility_timeout))
    if visibility != str(queue.visibility_timeout):
        what = f"Its visibility timeout is {visibility} s, queues.visibility_timeout {queue.visibility_timeout} s."
        yield Finding("warning", subject, what, PROVISION)


def _redrive(queue: QueueSettings, attributes: Attributes, largest_max_attempts: int) -> Iterator[Finding]:
    subject = f"queue {queue.name}"
    target, count = redrive_of(attributes)
    needed = needed_receive_count(largest_max_attempts)
    if queue.dead_letter_queue is None:
        what = "It has no dead-letter queue: what cannot be read comes back until SQS drops it."
        yield Finding("warning", subject, what, f"Set queues.dead_letter_queue. {PROVISION}")
    elif target != queue.dead_letter_queue:
        what = f"Its redrive policy names {target or 'no queue'}, the settings {queue.dead_letter_queue}."
        yield Finding("error", subject, what, PROVISION)
    if target and count < needed:
        configured = queue.max_receive_count is not None and queue.max_receive_count < needed
        yield Finding(
            "error",
            subject,
            f"SQS gives up after {count} receives; jobs of up to {largest_max_attempts} attempts need {needed}.",
            f"Raise queues.max_receive_count to {needed} or leave it out. {PROVISION}" if configured else PROVISION,
        )


def _retention(attributes: Attributes) -> int:
    return int(attributes.get("MessageRetentionPeriod", RETENTION))
