"""Whatever happens to a job, both stores keep every field of it: in each start, round and ending."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cqworker.clock import SystemClock
from cqworker.model.attempt_writes import Claim, Reopen, Settle
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Enter, Lose, NewRound
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import Change, Written
from cqworker.ports import JobStore, KeyItem
from tests.rails.jobs import MESSAGE, OF_THE_JOB, PURGE, RECORD, TRACE
from tests.rails.local_store import STORES, store_of
from tests.rails.samples import NOW, fields_of, full, lost

EXPECTED = {**{name: getattr(MESSAGE, name) for name in OF_THE_JOB}}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> JobStore:
    return store_of(request.param, SystemClock())


async def left_by(store: JobStore, change: Change) -> JobRecord:
    """The record after the change, as the answer and a read show it."""
    answer = await store.write(change)
    assert isinstance(answer, Written), answer
    assert await store.get(change.job_id) == answer.record
    return answer.record


def claim(token: str, number: int = MESSAGE.round, kind: type[Claim] = Claim) -> Claim:
    return kind(
        envelope=replace(MESSAGE, round=number),
        token=token,
        worker="host:1",
        now=NOW,
        lease_expires_at=NOW + 60_000,
        purge_at=PURGE * 2,
        trace_id=TRACE,
    )


def ended(token: str, status: Status) -> Settle:
    return Settle(
        job_id=MESSAGE.job_id, token=token, status=status, now=NOW, purge_at=PURGE * 2, entry=Entry(NOW, "ended")
    )


def is_whole(record: JobRecord) -> bool:
    """Raises AssertionError with what is missing of what the message said."""
    assert lost(replace(MESSAGE, round=record.round), record, OF_THE_JOB) == {}
    return True


async def test_a_record_that_is_put_is_read_with_every_field(store: JobStore) -> None:
    record = replace(RECORD, purge_at=PURGE * 2)
    assert lost(record, await left_by(store, Enter(record=record)), [*fields_of(JobRecord)]) == {}


async def test_a_start_that_makes_its_record_keeps_every_field_through_all_rounds(store: JobStore) -> None:
    assert is_whole(await left_by(store, claim("a")))
    failed = await left_by(store, ended("a", Status.FAILED))
    assert is_whole(failed)
    assert is_whole(await left_by(store, NewRound(seen=failed, now=NOW, purge_at=PURGE * 2)))
    assert is_whole(await left_by(store, claim("b", MESSAGE.round + 1)))
    assert is_whole(await left_by(store, ended("b", Status.CANCELLED)))
    assert is_whole(await left_by(store, claim("c", MESSAGE.round + 2, Reopen)))


async def test_a_job_that_is_lost_without_a_record_has_one_with_every_field(store: JobStore) -> None:
    assert is_whole(await left_by(store, Lose(envelope=MESSAGE, now=NOW, purge_at=PURGE * 2, trace_id=TRACE)))


async def test_a_key_is_held_with_every_field(store: JobStore) -> None:
    key = full(KeyItem)
    assert await store.reserve_key(key, NOW) is None
    holder = await store.reserve_key(replace(key, job_id="another"), NOW)
    assert holder is not None
    assert lost(key, holder, [*fields_of(KeyItem)]) == {}
