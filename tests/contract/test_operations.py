"""The port Operations: what was asked for is found by its id, and listed, the newest first, for who may see it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cqworker.model.operations import Act, Operation
from cqworker.model.tenants import EVERY_TENANT
from cqworker.ports.operations import Operations
from tests.contract.cases import PURGE
from tests.contract.clock import NOW
from tests.contract.worlds import World

ASKED = Operation(
    operation_id="op-1",
    act=Act.RETRY,
    tenant="acme",
    by="alice",
    as_of=NOW,
    purge_at=PURGE,
    reason="bücket was missing",
    rate=7,
    filter={"status": "FAILED", "from": "2026-11-30"},
    expected=12,
)
NAMED = Operation(
    operation_id="op-2",
    act=Act.CANCEL,
    tenant=EVERY_TENANT,
    by="bob",
    as_of=NOW,
    purge_at=PURGE,
    job_ids=tuple(f"{number:064}" for number in range(500)),
)


@pytest.fixture
async def operations(world: World) -> Operations:
    return await world.operations()


@pytest.mark.parametrize("asked", [ASKED, NAMED], ids=["filter", "ids"])
async def test_what_was_asked_for_is_found_as_it_was(operations: Operations, asked: Operation) -> None:
    await operations.remember(asked)
    assert await operations.find(asked.operation_id) == asked


async def test_nothing_is_found_that_nobody_asked_for(operations: Operations) -> None:
    assert await operations.find("op-1") is None
    assert await operations.latest(10) == ([], None)


async def test_pages_go_on_after_each_other_the_newest_first(operations: Operations) -> None:
    for number in (3, 1, 2):
        await operations.remember(replace(ASKED, operation_id=f"op-{number}"))
    found, before = list[str](), None
    while True:
        page, before = await operations.latest(1, before)
        found += [each.operation_id for each in page]
        if before is None:
            break
    assert found == ["op-3", "op-2", "op-1"]


async def test_a_tenant_is_told_of_its_own_alone(operations: Operations) -> None:
    for number, tenant in enumerate(("acme", "other", EVERY_TENANT, "acme")):
        await operations.remember(replace(ASKED, operation_id=f"op-{number}", tenant=tenant))
    page, rest = await operations.latest(10, None, "acme")
    assert ([each.operation_id for each in page], rest) == (["op-3", "op-0"], None)
    page, rest = await operations.latest(10)
    assert ([each.operation_id for each in page], rest) == (["op-3", "op-2", "op-1", "op-0"], None)


async def test_a_place_that_no_page_ended_with_tells_nothing_of_others(operations: Operations) -> None:
    await operations.remember(replace(ASKED, tenant="other"))
    for forged in ("~", "op-1", "operations#other", "💥"):
        assert await operations.latest(10, forged, "acme") == ([], None)
