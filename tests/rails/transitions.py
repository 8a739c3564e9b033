"""From which status to which a job goes: by the rules of each write, and by what people may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import get_args

from msgspec.structs import replace

from cqworker.errors import NotAllowedNow
from cqworker.events import ignore
from cqworker.flow.context import Context
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.submission import Submission
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.model.record import JobRecord
from cqworker.model.retention import Retention
from cqworker.model.status import Stage, Status
from cqworker.model.writes import Change
from cqworker.plugins.registry import registry_of
from cqworker.testing import MemoryArtifacts, MemoryQueue, MemoryStore
from cqworker.testing.memory_schedule import MemorySchedule
from cqworker.testing.memory_unique_keys import MemoryUniqueKeys
from tests.contract.cases import cases
from tests.contract.clock import NOW, SetClock
from tests.rails.jobs import PAYLOAD, QUEUE, RECORD, TYPE
from tests.web.house import transform

SEED, OF_EACH = 1, 500
LATER = NOW + 30 * 86_400_000
"""A time that lies far ahead (epoch ms)."""
ABSENT = "[*]"
"""There is no record."""
KINDS = tuple(kind.__name__ for kind in get_args(Change))
ACTS: dict[str, Callable[[OperatorActions], Awaitable[JobRecord]]] = {
    "cancel": lambda operator: operator.cancel(RECORD.job_id, None),
    "retry": lambda operator: operator.retry(RECORD.job_id, None),
    "reschedule": lambda operator: operator.reschedule(RECORD.job_id, None, LATER),
    "run now": lambda operator: operator.reschedule(RECORD.job_id, None, None),
}


@cache
def permitted() -> dict[str, set[tuple[str, str]]]:
    """From which status to which each kind of write leads, by the model's own rules."""
    pairs: dict[str, set[tuple[str, str]]] = {}
    for case in cases(SEED, OF_EACH):
        if case.permitted:
            before = str(case.seen.status) if case.seen else ABSENT
            pairs.setdefault(case.kind, set()).add((before, str(case.change.after(case.seen).status)))
    return pairs


@cache
def asked() -> dict[str, set[tuple[str, str]]]:
    """From which status to which each act of people leads at once, where nobody's lease has ended."""
    return {name: {(str(status), asyncio.run(_after(name, status))) for status in Status} for name in ACTS}


@cache
def begun() -> set[str]:
    """The statuses that a submission gives a job: for now, and for later."""
    return {asyncio.run(_begun_at(run_at)) for run_at in (None, LATER)}


async def _begun_at(run_at: int | None) -> str:
    clock = SetClock()
    context = _context(MemoryStore(clock), clock)
    registry = registry_of(**{TYPE: transform})
    submitter = Submitter(context, registry, _queues(clock), MemoryArtifacts(), inline_limit=4096)
    asked_for = Submission(type=TYPE, payload=PAYLOAD, run_at=run_at)
    return str((await submitter.submit(asked_for)).record.status)


async def _after(act: str, status: Status) -> str:
    clock = SetClock()
    store = MemoryStore(clock)
    lease = clock.now() + 60_000 if status.stage is Stage.HELD else None
    store.records[RECORD.job_id] = replace(RECORD, status=status, lease_expires_at=lease, cancel_requested_at=None)
    operator = OperatorActions(_context(store, clock), _queues(clock), Waiters(clock, lambda _: True))
    with suppress(NotAllowedNow):
        await ACTS[act](operator)
    return str(store.records[RECORD.job_id].status)


def _queues(clock: SetClock) -> QueueDirectory:
    return QueueDirectory({QUEUE: MemoryQueue(QUEUE, clock)}, lambda name: MemoryQueue(name, clock))


def _context(store: MemoryStore, clock: SetClock) -> Context:
    health = ServiceHealth(clock, ignore, ())
    schedule = ScheduleState(MemorySchedule(store), clock)
    retention = Retention(days=30)
    return Context(
        store=store,
        health=health,
        clock=clock,
        emit=ignore,
        retention=retention,
        schedule=schedule,
        unique_keys=MemoryUniqueKeys(store),
    )
