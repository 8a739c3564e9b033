"""Those who ask for one record at a time share its reads, and none of them is told what was before."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import Unavailable
from cqworker.jobs.shared_reads import SharedReads
from cqworker.model.record import JobRecord
from tests.flow.handlers import quick
from tests.flow.world import World, story


class Table:
    """A store whose reads take a second and see what is there when they begin."""

    def __init__(self) -> None:
        self.reads = 0
        self.records: dict[str, JobRecord] = {}
        self.fault: Exception | None = None

    async def get(self, job_id: str) -> JobRecord | None:
        self.reads += 1
        seen, fault = self.records.get(job_id), self.fault
        await asyncio.sleep(1)
        if fault is not None:
            raise fault
        return seen


async def a_record() -> JobRecord:
    world = World({"quick": quick})
    return world.record(await world.submit("quick"))


@story
async def test_a_hundred_who_ask_at_one_time_make_two_reads_at_most() -> None:
    table, record = Table(), await a_record()
    table.records["x"] = record
    reads = SharedReads(table)
    found = await asyncio.gather(*(reads.get("x") for _ in range(50)))
    asked = asyncio.ensure_future(reads.get("x"))
    await asyncio.sleep(0.5)
    found += await asyncio.gather(*(reads.get("x") for _ in range(50)))
    assert {id(one) for one in [*found, await asked]} == {id(record)}
    assert table.reads == 3


@story
async def test_who_comes_while_a_read_is_under_way_sees_what_was_written_before_he_came() -> None:
    table, record = Table(), await a_record()
    reads = SharedReads(table)
    early = asyncio.ensure_future(reads.get("x"))
    await asyncio.sleep(0.5)
    table.records["x"] = record
    late = asyncio.ensure_future(reads.get("x"))
    assert (await early, await late) == (None, record)


@story
async def test_a_fault_is_told_to_each_and_the_next_one_is_answered() -> None:
    table = Table()
    table.fault = Unavailable("dynamodb", "It is away.", "Wait.")
    reads = SharedReads(table)
    failures = await asyncio.gather(*(reads.get("x") for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [Unavailable] * 3
    table.fault = None
    assert await reads.get("x") is None


@story
async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    table, record = Table(), await a_record()
    table.records["x"] = record
    reads = SharedReads(table)
    first, second = (asyncio.ensure_future(reads.get("x")) for _ in range(2))
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second is record
    third = asyncio.ensure_future(reads.get("x"))
    await asyncio.sleep(0.5)
    third.cancel()
    with pytest.raises(asyncio.CancelledError):
        await third
    assert await reads.get("x") is record
