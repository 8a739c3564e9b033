"""Limits over HTTP, and through the client: how they stand, another one for a time, a key to stand still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.client import Client
from cqworker.errors import LimitRefused, SubmissionRefused
from cqworker.events.fleet_events import LimitOrdered
from cqworker.model.history import HANDED_BACK, Entry
from cqworker.model.limits import OnFull, hashed_key
from cqworker.model.rates import ask_of
from cqworker.model.status import Status
from cqworker.ports.limits import Hold, Waiter
from cqworker.settings.limit_settings import LimitSettings
from cqworker.web.app_context import require
from tests.client.shop import WAYS, open_shop
from tests.web.house import CLOCK, TEXT, House, bearer, open_house, token
from tests.web.test_interventions import problem_of

WRITTEN = {
    "type:text.transform": LimitSettings(concurrency=4, rate="10/s"),
    "tenant:*": LimitSettings(concurrency=2, on_full=OnFull.DROP),
}
PURGE = CLOCK.now() // 1000 + 86_400


def limits_of(house: House) -> Any:
    return require(house.context.limits).limits


async def test_nothing_is_limited_at_first(house: House) -> None:
    assert await house.get("/limits") == (200, {"limits": []})
    status, shown = await house.get("/limits/type:mail")
    assert (status, shown["is_limited"], shown["said_by"], shown["held"]) == (200, False, "nobody", 0)


async def test_the_limits_of_the_file_are_listed_as_they_stand() -> None:
    async with open_house(limits=WRITTEN) as house:
        _, shown = await house.get("/limits")
        each, mail = shown["limits"]
        assert (each["key"], each["concurrency"], each["on_full"], each["said_by"]) == ("tenant:*", 2, "drop", "file")
        assert (mail["key"], mail["concurrency"], mail["rate"], mail["burst"]) == ("type:text.transform", 4, "10/s", 10)
        assert (mail["held"], mail["waiting"], mail["oldest_waiting"], mail["until"]) == (0, 0, None, None)
        assert datetime.fromisoformat(mail["next_start"]) <= datetime.now(UTC)


async def test_a_limit_says_who_holds_it_who_is_dead_and_who_waits() -> None:
    async with open_house(limits=WRITTEN) as house:
        key, limits = "type:text.transform", limits_of(house)
        _, alive = await house.post("/jobs", json=TEXT)
        job_id = alive["job_id"]
        house.rewrite(job_id, Status.RUNNING, attempt=1, token="t", lease_expires_at=CLOCK.now() + 60_000)
        for holder, its_token in ((job_id, "t"), ("gone", "u")):
            answer = await limits.acquire(Hold(key, 0, holder, its_token), 4, in_turn=True)
            assert answer.applied
        parked = CLOCK.now() - 5000
        for place in range(3):
            await limits.put_waiter(key, Waiter(parked - 60_000 + place, f"job-{place}", "w", parked, PURGE))
        await limits.mark(key, "mark", CLOCK.now() + 300_000)
        _, shown = await house.get(f"/limits/{key}")
        assert (shown["held"], shown["dead"], shown["waiting"]) == (2, 1, 3)
        assert shown["oldest_waiting"]["job_id"] == "job-0"
        _, other = await house.get("/limits")
        assert key in [one["key"] for one in other["limits"]]


async def test_a_limit_says_when_the_next_job_may_start() -> None:
    async with open_house(limits={"type:mail": LimitSettings(rate="1/m")}) as house:
        actions = require(house.context.limits)
        await actions.rates.reserve(
            ask_of("type:mail", require(actions.written["type:mail"]), now_ms=CLOCK.now(), within=900)
        )
        _, shown = await house.get("/limits/type:mail")
        left = datetime.fromisoformat(shown["next_start"]) - datetime.now(UTC)
        assert timedelta(seconds=0) < left <= timedelta(seconds=60)


async def test_an_operator_limits_a_key_and_lifts_it_again() -> None:
    async with open_house(limits=WRITTEN) as house:
        ask = {"rate": "100/m", "burst": 7, "for": 3600, "reason": "the supplier asks for it"}
        status, shown = await house.post("/limits/type:text.transform/set", json=ask)
        assert (status, shown["concurrency"], shown["rate"], shown["burst"]) == (202, 4, "100/m", 7)
        assert (shown["said_by"], shown["by"], shown["reason"]) == ("operator", "local", "the supplier asks for it")
        control = await require(house.context.limits).fleet.control()
        assert list(control.limits) == ["type:text.transform"]
        status, shown = await house.post("/limits/type:text.transform/resume", json={"reason": "done"})
        assert (status, shown["rate"], shown["said_by"], shown["until"]) == (202, "10/s", "file", None)
        told = [(event.rate, event.by, event.reason) for event in house.events if isinstance(event, LimitOrdered)]
        assert told == [("100/m", "local", "the supplier asks for it"), (None, "local", "done")]


async def test_a_tenant_is_paused_for_a_time_and_resumed(house: House) -> None:
    status, shown = await house.post("/limits/tenant:acme/pause", json={"for": 1800, "reason": "abuse"})
    assert (status, shown["is_paused"], shown["concurrency"], shown["reason"]) == (202, True, 0, "abuse")
    ends_in = datetime.fromisoformat(shown["until"]) - datetime.now(UTC)
    assert timedelta(seconds=1500) < ends_in <= timedelta(seconds=1800)
    _, shown = await house.get("/limits")
    assert [one["key"] for one in shown["limits"]] == ["tenant:acme"]
    status, shown = await house.post("/limits/tenant:acme/resume")
    assert (status, shown["is_limited"], shown["is_paused"]) == (202, False, False)
    assert await house.get("/limits") == (200, {"limits": []})


async def test_whoever_waits_is_looked_after_at_once_when_a_limit_changes(house: House) -> None:
    limits, later = limits_of(house), CLOCK.now() + 300_000
    await limits.mark("tenant:acme", "mark", later)
    assert await limits.marked(CLOCK.now(), 10) == []
    await house.post("/limits/tenant:acme/resume")
    assert await limits.marked(CLOCK.now(), 10) == ["tenant:acme"]


async def test_a_limit_key_is_one_of_its_tenant(house: House) -> None:
    _, shown = await house.post("/limits/key:inbox-7/set?tenant=acme", json={"concurrency": 1})
    assert shown["key"] == hashed_key("acme", "inbox-7")
    _, same = await house.get(f"/limits/{shown['key']}")
    assert same["concurrency"] == 1
    _, other = await house.get("/limits/key:inbox-7")
    assert (other["key"], other["is_limited"]) == (hashed_key("default", "inbox-7"), False)


@pytest.mark.parametrize("act", ["set", "pause"])
@pytest.mark.parametrize("key", ["mail", "tenant:*", "key:*", "typ:mail", "type:", f"key:{'x' * 129}"])
async def test_what_is_no_key_is_refused(house: House, act: str, key: str) -> None:
    answer = await house.post(f"/limits/{key}/{act}", json={"for": 60} | ({"concurrency": 1} if act == "set" else {}))
    assert problem_of(answer) == (422, "limit-refused")


@pytest.mark.parametrize(
    ("act", "ask", "problem", "said"),
    [
        ("set", {}, "limit-refused", "This limits nothing"),
        ("set", {"burst": 3}, "limit-refused", "This limits nothing"),
        ("set", {"concurrency": 3, "burst": 3}, "limit-refused", "A burst without a rate"),
        ("set", {"rate": "fast"}, "limit-refused", "is no rate: write starts and a time"),
        ("set", {"rate": "10001/s"}, "limit-refused", "one a day to 10,000 a second"),
        ("set", {"concurrency": 0}, "limit-refused", "A pause needs an end"),
        ("set", {"concurrency": 0, "for": 86_401}, "limit-refused", "more than 24 hours ahead"),
        ("set", {"concurrency": 1, "until": "2020-01-01T00:00:00Z"}, "limit-refused", "is past"),
        ("set", {"concurrency": -1}, "invalid-request", "/concurrency"),
        ("set", {"concurrency": 1, "for": 5, "until": "2999-01-01T00:00:00Z"}, "invalid-request", "not both"),
        ("pause", {}, "limit-refused", "A pause needs an end"),
        ("pause", {"until": "2999-01-01T00:00:00Z"}, "limit-refused", "more than 24 hours ahead"),
        ("pause", {"for": 86_401}, "invalid-request", "/for"),
    ],
)
async def test_a_limit_is_refused_with_what_is_wrong(
    house: House, act: str, ask: dict[str, Any], problem: str, said: str
) -> None:
    answer = await house.post(f"/limits/type:mail/{act}", json=ask)
    assert problem_of(answer) == (422, problem)
    assert said in answer[1]["detail"]


async def test_too_many_words_of_operators_are_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqworker.fleet.limit_actions.MOST_ORDERS", 2)
    for name in ("a", "b"):
        await house.post(f"/limits/type:{name}/set", json={"concurrency": 1})
    answer = await house.post("/limits/type:c/set", json={"concurrency": 1})
    assert problem_of(answer) == (422, "limit-refused")
    assert "lift some" in answer[1]["detail"]
    assert (await house.post("/limits/type:a/set", json={"concurrency": 2}))[0] == 202


async def test_one_tenant_s_operator_does_not_say_what_a_tenant_is_limited_to() -> None:
    async with open_house(tokens=[token("ann", "operate", tenant="acme")]) as house:
        for call in (
            house.get("/limits", headers=bearer("ann")),
            house.get("/limits/tenant:acme", headers=bearer("ann")),
        ):
            assert problem_of(await call) == (403, "forbidden")
        answer = await house.post("/limits/tenant:acme/set", json={"concurrency": 9}, headers=bearer("ann"))
        assert problem_of(answer) == (403, "forbidden")


@pytest.mark.parametrize("way", WAYS)
async def test_the_client_does_the_same_over_http_and_straight(way: str) -> None:
    async with open_shop(way, limits=WRITTEN) as shop:
        fleet = shop.client.fleet
        assert [limit["key"] for limit in await fleet.limits()] == ["tenant:*", "type:text.transform"]
        shown = await fleet.set_limit("type:text.transform", rate="5/s", lasts=timedelta(hours=2), reason="slow")
        assert (shown["rate"], shown["concurrency"]) == ("5/s", 4)
        until = datetime.now(UTC) + timedelta(hours=1)
        assert (await fleet.pause_limit("tenant:acme", until=until))["is_paused"]
        assert (await fleet.limit("tenant:acme"))["concurrency"] == 0
        shown = await fleet.resume_limit("tenant:acme", reason="over")
        assert (shown["concurrency"], shown["said_by"]) == (2, "file")
        keyed = await fleet.set_limit("key:a/b c", concurrency=1, tenant="acme")
        assert (await fleet.limit("key:a/b c", tenant="acme"))["key"] == keyed["key"]
        await refusals(shop.client)


async def refusals(client: Client) -> None:
    for rate in ("fast", "20000/s"):
        with pytest.raises(LimitRefused, match=r"(is no rate|a rate is)"):
            await client.fleet.set_limit("type:mail", rate=rate)
    with pytest.raises(LimitRefused, match="is no key"):
        await client.fleet.limit("mail")
    with pytest.raises(LimitRefused, match="needs an end"):
        await client.fleet.pause_limit("type:mail")
    with pytest.raises(SubmissionRefused, match="not both"):
        await client.fleet.pause_limit("type:mail", lasts=60, until=datetime.now(UTC))
    with pytest.raises(SubmissionRefused, match="zone"):
        await client.fleet.set_limit("type:mail", concurrency=1, until=datetime.now(UTC).replace(tzinfo=None))


async def parked(house: House, key: str, **more: Any) -> str:
    """A job that is on the waiting list of a limit, behind two others."""
    _, job = await house.post("/jobs", json=TEXT, **more)
    record = house.store.records[job["job_id"]]
    entry = Entry(CLOCK.now(), HANDED_BACK, 1, "w1", f"parked {key}")
    house.store.records[record.job_id] = replace(record, parked=key, token="w", history=(*record.history, entry))
    for place, name in enumerate(("job-0", "job-1", record.job_id)):
        await limits_of(house).put_waiter(key, Waiter(record.created_at + place, name, "w", CLOCK.now(), PURGE))
    return record.job_id


async def test_a_parked_job_says_behind_how_many_others_it_waits(house: House) -> None:
    job_id = await parked(house, "type:text.transform")
    _, job = await house.get(f"/jobs/{job_id}")
    since = job["history"][-1]["at"]
    assert job["explanation"] == f"parked behind 2 others on type:text.transform since {since}"


async def test_a_job_that_its_rate_put_off_says_so_and_any_other_says_nothing(house: House) -> None:
    _, job = await house.post("/jobs", json=TEXT)
    assert "explanation" not in (await house.get(f"/jobs/{job['job_id']}"))[1]
    record = house.store.records[job["job_id"]]
    entry = Entry(CLOCK.now(), HANDED_BACK, 1, "w1", "rate type:text.transform x3")
    house.store.records[record.job_id] = replace(record, history=(*record.history, entry))
    _, job = await house.get(f"/jobs/{record.job_id}")
    assert job["explanation"].startswith("put off by the rate type:text.transform x3 since 20")


async def test_one_tenant_does_not_hear_how_many_jobs_of_others_wait() -> None:
    async with open_house(tokens=[token("ann", "submit", "read", tenant="acme")]) as house:
        for key, said in (
            ("type:text.transform", "parked on type"),
            ("tenant:acme", "parked behind 2 others on tenant"),
        ):
            job_id = await parked(house, key, headers=bearer("ann"))
            _, job = await house.get(f"/jobs/{job_id}", headers=bearer("ann"))
            assert job["explanation"].startswith(said)


@pytest.mark.parametrize("way", WAYS)
async def test_the_client_shows_why_a_job_waits(way: str) -> None:
    async with open_shop(way) as shop:
        job_id = await parked(shop.house, "tenant:default")
        job = await shop.client.get(job_id)
        assert (job.explanation or "").startswith("parked behind 2 others on tenant:default since 20")


async def test_who_asks_for_a_parked_job_again_and_again_has_its_list_read_once(house: House) -> None:
    job_id = await parked(house, "type:text.transform")
    limits, asked = limits_of(house), list[str]()
    read = limits.first_waiters

    async def first_waiters(key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        asked.append(key)
        found: Sequence[Waiter] = await read(key, number, after)
        return found

    limits.first_waiters = first_waiters
    for _ in range(3):
        _, job = await house.get(f"/jobs/{job_id}")
        assert "behind 2 others" in job["explanation"]
    assert asked == ["type:text.transform"]
