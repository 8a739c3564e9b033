"""What is asked for arrives: in the message, both stores' records, the key's fingerprint and the next round."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.clock import SystemClock
from cqworker.enums import OnDuplicate
from cqworker.events import ignore
from cqworker.flow.context import Context
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.submission import Submission
from cqworker.jobs.submit import Submitter
from cqworker.jobs.waiters import Waiters
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Forestall
from cqworker.model.record import JobRecord
from cqworker.model.retention import Retention
from cqworker.model.status import Status
from cqworker.plugins.registry import registry_of
from cqworker.ports import Delivery, JobStore
from cqworker.testing import MemoryArtifacts, MemoryQueue, MemoryStore
from cqworker.testing.memory_unique_keys import MemoryUniqueKeys
from tests.rails.jobs import (
    LEVELS,
    OF_THE_COPY,
    OF_THE_JOB,
    OF_THE_MESSAGE,
    QUEUE,
    SUBMISSION,
    TRACE,
    TRACEPARENT,
    TYPE,
    otherwise,
)
from tests.rails.local_store import STORES, store_of
from tests.rails.samples import defaults_of, fields_of, lost
from tests.web.house import transform

CLOCK = SystemClock()
AT_ONCE: dict[str, Any] = {"delay_seconds": 0, "debounce_seconds": 0, "max_wait_seconds": None}
RETENTION = Retention(days=30)
ELSEWHERE = {
    "delay_seconds": "SQS delays the message, the record has scheduled_at",
    "run_at": "as delay_seconds",
    "idempotency_key": "the key has an item of its own",
    "traceparent": "an attribute of the message, the record has trace_id",
    "unique": "message and record name its key and its scope",
    "on_duplicate": "it says what becomes of this request, and nothing of the job",
    "debounce_seconds": "as delay_seconds",
    "max_wait_seconds": "it bounds what debounce_seconds says",
}
"""Fields that neither message nor record have under the same name, and where they are."""
NOT_ASKED_FOR = {
    "tenant": "keys of two tenants are two keys",
    "idempotency_key": "it is the key",
    "traceparent": "who repeats a request does so in another trace",
}
"""Fields in which a repeated request may differ from the first one, and why."""
MADE_HERE = {"job_id", "created_at", "round", "payload_ref", "unique", "replacements", *OF_THE_MESSAGE, *OF_THE_COPY}
"""Fields of a message that are nobody's to ask for."""
ASKED_FOR = [name for name in fields_of(Submission) if name not in NOT_ASKED_FOR]


@dataclass
class Office:
    """Where jobs are submitted and retried."""

    store: JobStore
    queue: MemoryQueue
    submitter: Submitter
    operator: OperatorActions


@pytest.fixture(params=STORES)
def office(request: pytest.FixtureRequest) -> Office:
    store, queue = store_of(request.param, CLOCK), MemoryQueue(QUEUE, CLOCK)
    health = ServiceHealth(CLOCK, ignore, ())
    schedule = ScheduleState(None, CLOCK)
    context = Context(
        store=store,
        health=health,
        clock=CLOCK,
        emit=ignore,
        retention=RETENTION,
        schedule=schedule,
        unique_keys=MemoryUniqueKeys(MemoryStore(CLOCK)),
    )
    levels = dict.fromkeys((QUEUE, f"{QUEUE}-high", f"{QUEUE}-low"), queue)
    queues = QueueDirectory(levels, lambda name: MemoryQueue(name, CLOCK), {QUEUE: LEVELS})
    registry = registry_of(**{TYPE: transform})
    submitter = Submitter(context, registry, queues, MemoryArtifacts(), inline_limit=4096)
    operator = OperatorActions(context, queues, Waiters(CLOCK, lambda _: False))
    return Office(store, queue, submitter, operator)


async def received(office: Office) -> Delivery:
    """The message that can be received now."""
    [delivery] = await office.queue.receive(10, 0, 60)
    return delivery


async def failed(office: Office, record: JobRecord) -> None:
    """Ends the job before its start."""
    now = CLOCK.now()
    entry = Entry(now, "failed")
    purge_at = RETENTION.purge_at(now)
    await office.store.write(Forestall(seen=record, status=Status.FAILED, now=now, purge_at=purge_at, entry=entry))


def test_whatever_a_message_says_can_be_asked_for() -> None:
    assert fields_of(Envelope).keys() - MADE_HERE == fields_of(Submission).keys() - ELSEWHERE.keys()


async def test_message_and_record_say_everything_that_was_asked_for(office: Office) -> None:
    asked = dataclasses.replace(SUBMISSION, **AT_ONCE)
    record = (await office.submitter.submit(asked)).record
    names = [name for name in fields_of(Submission) if name not in ELSEWHERE]
    assert lost(asked, read_envelope((await received(office)).body), names) == {}
    assert lost(asked, record, names) == {}
    assert await office.store.get(record.job_id) == record


async def test_what_a_message_has_no_field_for_is_where_it_belongs(office: Office) -> None:
    record = (await office.submitter.submit(SUBMISSION)).record
    assert record.scheduled_at == record.created_at + SUBMISSION.delay_seconds * 1000
    assert (await office.queue.depth()).delayed == 1
    assert record.trace_id == TRACE
    assert (await office.submitter.submit(SUBMISSION)).replayed
    again = dataclasses.replace(
        SUBMISSION, **AT_ONCE, idempotency_key=None, unique=None, on_duplicate=OnDuplicate.RETURN
    )
    await office.submitter.submit(again)
    assert (await received(office)).traceparent == TRACEPARENT


async def test_the_message_of_a_retry_says_everything_again(office: Office) -> None:
    record = (await office.submitter.submit(dataclasses.replace(SUBMISSION, **AT_ONCE))).record
    first = read_envelope((await received(office)).body)
    await failed(office, record)
    await office.operator.retry(record.job_id, None)
    second = read_envelope((await received(office)).body)
    assert lost(replace(first, round=2), second, OF_THE_JOB) == {}


@pytest.mark.parametrize("name", ASKED_FOR)
def test_the_same_key_with_another_request_is_told_apart_by_every_field(name: str) -> None:
    defaults = defaults_of(Submission) | {"type": "another", "payload": "{}"}
    changed = dataclasses.replace(SUBMISSION, **{name: defaults[name]})
    assert changed.fingerprint() != SUBMISSION.fingerprint(), f"{name} is not in the fingerprint, nor in NOT_ASKED_FOR"


@pytest.mark.parametrize("name", NOT_ASKED_FOR)
def test_a_repeated_request_may_differ_in_what_was_not_asked_for(name: str) -> None:
    changed = dataclasses.replace(SUBMISSION, **{name: otherwise(getattr(SUBMISSION, name))})
    assert changed.fingerprint() == SUBMISSION.fingerprint()


def test_a_fingerprint_is_what_it_was_in_earlier_versions() -> None:
    """Keys live for 24 hours, across an upgrade."""
    old = Submission(type="t", payload='{"b":1,"a":2}', queue="q", metadata={"m": "1"}, tags=("x",), max_attempts=3)
    assert old.fingerprint() == "f5d066fa8693fefcba2d31f953358f5e23080bf4d9b7842b0999d6e188b81274"
