"""What the end of a stopped handler counts as, row by row, for coroutines and threads: docs/stops.md is this table."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from cqworker.events import JobStarted
from cqworker.execution.outcome import StopReason
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.plugins.handler import Backoff
from cqworker.testing.host import Host
from tests.flow.stopped_handlers import WAYS, in_a_thread, on_the_loop
from tests.flow.world import REAL, World, story

OPTIONS: dict[str, Any] = {"max_attempts": 3, "backoff": Backoff(first=900)}
TIMED_OUT = "timeout: The handler did not end within its timeout"
ASKED = "it asked for another attempt: busy"
SNOOZED = "it asked to be snoozed: too early"
BUG = "it said: ValueError: a bug"
OUTAGE = "its handler met: it does not answer"
HALF = "it returned after it saw the stop"
AFTER = 7_000
"""Milliseconds that the handler asked for."""


@dataclass(frozen=True)
class Row:
    """What must be written; `words` begin the history's last reason, `after` is what the job then waits, in ms."""

    status: Status
    attempt: int
    words: str
    after: int | None = None


QUEUED, RETRYING, CANCELLED = Status.QUEUED, Status.RETRYING, Status.CANCELLED
SUCCEEDED = Row(Status.SUCCEEDED, 1, "")
REJECTED = Row(Status.FAILED, 1, "rejected: no use")
SILENT = "unanswered lease"
TABLE: dict[StopReason, dict[str, Row]] = {
    StopReason.DRAIN: {
        "finished": SUCCEEDED,
        "gives up": Row(QUEUED, 0, "drain"),
        "gives up in a group": Row(QUEUED, 0, "drain"),
        "cancelled": Row(QUEUED, 0, "drain"),
        "returns": Row(QUEUED, 0, f"drain; {HALF}"),
        "fails": Row(QUEUED, 0, f"drain; {BUG}"),
        "retries": Row(QUEUED, 0, f"drain; {ASKED}", AFTER),
        "snoozes": Row(QUEUED, 0, "snoozed: too early", AFTER),
        "hindered": Row(QUEUED, 0, f"drain; {OUTAGE}"),
        "rejects": REJECTED,
    },
    StopReason.TIMEOUT: {
        "finished": Row(Status.SUCCEEDED, 1, "succeeded "),
        "gives up": Row(RETRYING, 1, f"{TIMED_OUT}."),
        "gives up in a group": Row(RETRYING, 1, f"{TIMED_OUT}."),
        "cancelled": Row(RETRYING, 1, f"{TIMED_OUT}."),
        "returns": Row(RETRYING, 1, f"{TIMED_OUT}; {HALF}"),
        "fails": Row(RETRYING, 1, f"{TIMED_OUT}; {BUG}"),
        "retries": Row(RETRYING, 1, f"{TIMED_OUT}; {ASKED}", AFTER),
        "snoozes": Row(RETRYING, 1, f"{TIMED_OUT}; {SNOOZED}", AFTER),
        "hindered": Row(RETRYING, 1, f"{TIMED_OUT}; {OUTAGE}"),
        "rejects": REJECTED,
    },
    StopReason.CANCEL: {
        "finished": SUCCEEDED,
        "gives up": Row(CANCELLED, 1, "a cancel was asked for"),
        "gives up in a group": Row(CANCELLED, 1, "a cancel was asked for"),
        "cancelled": Row(CANCELLED, 1, "a cancel was asked for"),
        "returns": Row(CANCELLED, 1, f"a cancel was asked for; {HALF}"),
        "fails": Row(CANCELLED, 1, f"a cancel was asked for; {BUG}"),
        "retries": Row(CANCELLED, 1, f"a cancel was asked for; {ASKED}"),
        "snoozes": Row(CANCELLED, 1, f"a cancel was asked for; {SNOOZED}"),
        "hindered": Row(CANCELLED, 1, f"a cancel was asked for; {OUTAGE}"),
        "rejects": REJECTED,
    },
    StopReason.SILENCE: {
        "finished": SUCCEEDED,
        "gives up": Row(QUEUED, 0, SILENT),
        "gives up in a group": Row(QUEUED, 0, SILENT),
        "cancelled": Row(QUEUED, 0, SILENT),
        "returns": Row(QUEUED, 0, f"{SILENT}; {HALF}"),
        "fails": Row(QUEUED, 0, f"{SILENT}; {BUG}"),
        "retries": Row(QUEUED, 0, f"{SILENT}; {ASKED}", AFTER),
        "snoozes": Row(QUEUED, 0, "snoozed: too early", AFTER),
        "hindered": Row(QUEUED, 0, f"{SILENT}; {OUTAGE}"),
        "rejects": REJECTED,
    },
    StopReason.LOST: dict.fromkeys(WAYS, Row(Status.RUNNING, 1, "")),
}
ROWS = [(reason, way) for reason, rows in TABLE.items() for way in rows]


def meets(record: JobRecord, row: Row) -> bool:
    """Whether this is what was to be written."""
    last = record.history[-1]
    wait = None if record.scheduled_at is None else record.scheduled_at - last.at
    as_said = last.reason.startswith(row.words) if row.words.endswith(" ") else last.reason == row.words[:100]
    waits = wait is not None if record.status is RETRYING and row.after is None else wait == row.after
    return (record.status, record.attempt) == (row.status, row.attempt) and as_said and waits


async def stop(host: Host, world: World, reason: StopReason, ids: list[str]) -> None:
    """Tells the handlers of these jobs to stop; their timeout comes by itself."""
    match reason:
        case StopReason.DRAIN if world.is_real:
            hurry = asyncio.Event()
            hurry.set()
            await host.drain(5, hurry)
        case StopReason.DRAIN:
            await host.drain(25)
        case StopReason.CANCEL:
            for job_id in ids:
                await host.operator.cancel(job_id, None)
        case StopReason.LOST | StopReason.SILENCE:
            host.worker.queue_workers[0].poller.stop_receiving()  # what is given back shall not start here again
            for lease in list(host.worker.queue_workers[0].leases):
                lease.stop(reason)
        case StopReason.TIMEOUT:
            pass


async def has_ended(world: World, host: Host, job_id: str) -> None:
    """Returns when nothing runs here any more, and what became of it is written."""
    await world.until_true(lambda: not host.worker.queue_workers[0].poller.journeys, patience=60)


def leaves(row: Row) -> str:
    """What becomes of the message."""
    if row.status.is_final:
        return "deleted"
    return "hidden" if row.after or row.status in (RETRYING, Status.RUNNING) else "visible"


async def message_of(world: World) -> str:
    if not world.queue.bodies:
        return "deleted"
    return "visible" if (await world.queue.depth()).visible else "hidden"


@pytest.mark.parametrize(("reason", "way"), ROWS)
@story
async def test_a_coroutine_that_was_told_to_stop(reason: StopReason, way: str) -> None:
    row = TABLE[reason][way]
    world = World({"work": on_the_loop(way, timeout=10 if reason is StopReason.TIMEOUT else 900, **OPTIONS)})
    host = world.start()
    job_id = await world.submit("work")
    await world.until_true(lambda: host.seen(JobStarted))
    await stop(host, world, reason, [job_id])
    await has_ended(world, host, job_id)
    await asyncio.sleep(0.1)
    assert meets(world.record(job_id), row), world.record(job_id)
    assert await message_of(world) == leaves(row)


@pytest.mark.parametrize("reason", TABLE)
async def test_a_thread_that_saw_that_it_shall_stop(reason: StopReason) -> None:
    timeout = 0.3 if reason is StopReason.TIMEOUT else 60
    world = World({way: in_a_thread(way, timeout=timeout, **OPTIONS) for way in WAYS}, real=REAL)
    host = world.start()
    ids = {way: await world.submit(way) for way in WAYS}
    await world.until_true(lambda: len(host.seen(JobStarted)) == len(WAYS), patience=5)
    await stop(host, world, reason, list(ids.values()))
    await world.until_true(lambda: not host.worker.executor.runs, patience=10)
    if reason is not StopReason.LOST:
        await world.until_true(lambda: not any(world.record(i).status is Status.RUNNING for i in ids.values()), 5)
    told = {way: world.record(job_id) for way, job_id in ids.items()}
    wrong = [record for way, record in told.items() if not meets(record, TABLE[reason][way])]
    if reason is not StopReason.DRAIN:
        await host.drain(2)
    assert wrong == []
