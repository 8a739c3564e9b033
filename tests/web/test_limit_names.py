"""A limit of a `limit_key` goes by its text, wherever a person reads of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.model.history import HANDED_BACK, Entry
from cqworker.model.limits import hashed_key, shown_key
from cqworker.ports.limits import Hold, Waiter
from cqworker.web.app_context import require
from tests.client.shop import WAYS, open_shop
from tests.web.house import CLOCK, TEXT, House

KEY = hashed_key("default", "inbox-7")
PURGE = CLOCK.now() // 1000 + 86_400


def limits_of(house: House) -> Any:
    return require(house.context.limits).limits


async def parked(house: House, *, ahead: int, reason: str = "parked") -> str:
    """A job on the waiting list of its key behind so many others."""
    _, job = await house.post("/jobs", json=TEXT)
    record = house.store.records[job["job_id"]]
    entry = Entry(CLOCK.now(), HANDED_BACK, 1, "w1", f"{reason} {shown_key(KEY)}")
    house.store.records[record.job_id] = replace(
        record, limit_key="inbox-7", parked=KEY, token="w", history=(*record.history, entry)
    )
    for place, name in enumerate((*(f"job-{n}" for n in range(ahead)), record.job_id)):
        await limits_of(house).put_waiter(KEY, Waiter(record.created_at + place, name, "w", CLOCK.now(), PURGE))
    return record.job_id


@pytest.mark.parametrize(("ahead", "said"), [(0, "first in line"), (1, "behind 1 other"), (2, "behind 2 others")])
async def test_a_job_that_waits_for_a_key_names_it_and_says_how_many_are_ahead(
    house: House, ahead: int, said: str
) -> None:
    _, job = await house.get(f"/jobs/{await parked(house, ahead=ahead)}")
    assert job["explanation"] == f"parked {said} on key:inbox-7 since {job['history'][-1]['at']}"


async def test_the_history_names_the_key_by_its_text(house: House) -> None:
    job_id = await parked(house, ahead=0, reason="rate")
    _, job = await house.get(f"/jobs/{job_id}")
    assert job["history"][-1]["reason"] == "rate key:inbox-7"
    assert house.store.records[job_id].history[-1].reason == f"rate {shown_key(KEY)}"


async def test_another_tenant_s_key_of_the_same_text_keeps_its_hash(house: House) -> None:
    _, job = await house.post("/jobs", json=TEXT)
    record = house.store.records[job["job_id"]]
    other = shown_key(hashed_key("bob", "inbox-7"))
    entry = Entry(CLOCK.now(), HANDED_BACK, 1, "w1", f"parked {other}")
    house.store.records[record.job_id] = replace(record, limit_key="inbox-7", history=(*record.history, entry))
    _, job = await house.get(f"/jobs/{record.job_id}")
    assert job["history"][-1]["reason"] == f"parked {other}"


async def test_a_key_is_named_by_the_oldest_who_waits_for_it(house: House) -> None:
    assert (await house.get(f"/limits/{KEY}"))[1]["limit_key"] is None
    await parked(house, ahead=0)
    _, shown = await house.get(f"/limits/{KEY}")
    assert (shown["tenant"], shown["limit_key"], shown["key"]) == ("default", "inbox-7", KEY)


async def test_a_key_is_named_by_who_holds_a_slot_of_it(house: House) -> None:
    _, job = await house.post("/jobs", json=TEXT)
    record = house.store.records[job["job_id"]]
    house.store.records[record.job_id] = replace(record, limit_key="inbox-7")
    await limits_of(house).acquire(Hold(KEY, 0, record.job_id, "t"), 4, in_turn=True)
    _, shown = await house.get(f"/limits/{KEY}")
    assert (shown["held"], shown["limit_key"]) == (1, "inbox-7")


async def test_a_key_that_an_operator_paused_is_listed_by_the_name_that_was_given(house: House) -> None:
    _, paused = await house.post("/limits/key:inbox-7/pause?tenant=acme", json={"for": 60})
    assert (paused["tenant"], paused["limit_key"]) == ("acme", "inbox-7")
    _, listed = await house.get("/limits")
    assert [(limit["tenant"], limit["limit_key"]) for limit in listed["limits"]] == [("acme", "inbox-7")]
    _, resumed = await house.post("/limits/key:inbox-7/resume?tenant=acme")
    assert (resumed["tenant"], resumed["limit_key"]) == ("acme", "inbox-7")


async def test_whoever_asks_by_the_text_is_answered_by_it_and_other_limits_have_none(house: House) -> None:
    _, shown = await house.get("/limits/key:inbox-7")
    assert shown["limit_key"] == "inbox-7"
    _, shown = await house.get("/limits/tenant:acme")
    assert (shown["tenant"], shown["limit_key"]) == (None, None)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tenant:a b", "No tenant has this name: it takes 1 to 128 printable ASCII characters without a space"),
        ("tenant:%00", "No tenant has this name"),
        ("key:inbox-7?tenant=", "No tenant has this name"),
        ("key:inbox-7?tennant=acme", "'tennant' is no parameter here; there is tenant, whose limit_key it is."),
    ],
)
async def test_a_name_that_can_be_nobody_s_pauses_nothing(house: House, address: str, said: str) -> None:
    path, question, query = address.partition("?")
    for status, problem in (
        await house.get(f"/limits/{address}"),
        await house.post(f"/limits/{path}/pause{question}{query}", json={"for": 60}),
    ):
        assert (status, problem["type"]) == (422, "urn:cqworker:problem:limit-refused")
        assert problem["detail"].startswith(said)
    assert await house.get("/limits") == (200, {"limits": []})


@pytest.mark.parametrize("way", WAYS)
async def test_the_client_is_told_the_text_over_http_and_straight(way: str) -> None:
    async with open_shop(way) as shop:
        fleet = shop.client.fleet
        limit = await fleet.set_limit("key:inbox-7", tenant="acme", concurrency=1)
        assert (limit["tenant"], limit["limit_key"]) == ("acme", "inbox-7")
        assert (await fleet.limits())[0]["limit_key"] == "inbox-7"
        assert (await fleet.limit("key:inbox-8"))["limit_key"] == "inbox-8"
        assert (await fleet.resume_limit("key:inbox-7", tenant="acme"))["limit_key"] == "inbox-7"
