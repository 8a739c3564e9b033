"""The store and the pure rules give one answer: what is permitted, and what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import islice

import pytest

from cqworker.model.operator_writes import Enter
from cqworker.model.writes import Refused, Written
from cqworker.ports import JobStore
from tests.contract.cases import Case, cases
from tests.contract.edges import edges

SEED = 20260101
OF_EACH = 6
AT_ONCE = 8


@pytest.fixture
def one_in(request: pytest.FixtureRequest) -> int:
    """The SDK carries the same requests as the JSON client, at several times the cost: every third case will do."""
    return 3 if "through the SDK" in request.node.callspec.params["world"] else 1


async def test_every_change_does_what_the_rules_say_to_any_record(store: JobStore, one_in: int) -> None:
    await all_hold(store, islice(cases(SEED, OF_EACH), 0, None, one_in))


async def test_whatever_decides_a_change_decides_it_in_the_store_too(store: JobStore, one_in: int) -> None:
    await all_hold(store, islice(edges(SEED), 0, None, one_in))


async def all_hold(store: JobStore, tried: Iterable[Case]) -> None:
    """Checks the cases, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def holds(case: Case) -> None:
        async with gate:
            await check(store, case)

    await asyncio.gather(*map(holds, tried))


async def check(store: JobStore, case: Case) -> None:
    """Puts the record there, asks for the change, and compares the answer and what is then stored."""
    if case.seen is not None:
        assert await store.write(Enter(record=case.seen)) == Written(case.seen)
    after = case.change.after(case.seen) if case.permitted else case.seen
    expected = Refused(case.seen) if after is None or not case.permitted else Written(after)
    assert await store.write(case.change) == expected, case
    assert await store.get(case.change.job_id) == after, case
