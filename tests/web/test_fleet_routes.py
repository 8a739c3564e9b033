"""The fleet over HTTP, and through the client: who works, one to rest or leave, a queue to stand still for a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.client import Client
from cqworker.errors import PauseRefused, SubmissionRefused, UnknownQueue, WorkerNotFound
from cqworker.events.fleet_events import QueueOrdered, WorkerOrdered
from cqworker.model.timestamps import day_of, rfc3339
from cqworker.ports.fleet import Command, Heartbeat, LevelCount, RunningJob, WorkerState
from cqworker.web.app_context import require
from tests.client.shop import WAYS, Shop, open_shop
from tests.web.house import CLOCK, House, bearer, open_house, token
from tests.web.test_interventions import problem_of

NAME = "host.abcdef:7"


async def with_a_worker(house: House, **said: Any) -> None:
    fleet = require(house.context.fleet)._fleet
    job = RunningJob("0193a5b2-7c00-7abc-8def-0123456789ab", "text.transform", CLOCK.now() - 5000)
    facts: dict[str, Any] = {
        "boot": "b",
        "seen": CLOCK.now(),
        "queues": ("main", "more"),
        "slots": 4,
        "busy": 1,
        "oldest": (job,),
    }
    await fleet.heartbeat(Heartbeat(worker=NAME, **(facts | said)), first=True)


async def test_the_workers_are_listed_as_they_told_of_themselves(house: House) -> None:
    assert await house.get("/workers") == (200, {"workers": []})
    await with_a_worker(house, release="2026.1", counts={"text.transform": {"started": 3}}, lag=250)
    status, shown = await house.get("/workers")
    [worker] = shown["workers"]
    assert (status, worker["worker"], worker["state"], worker["is_silent"]) == (200, NAME, "running", False)
    assert worker["slots"] == {"taken": 1, "total": 4}
    assert worker["oldest"][0]["type"] == "text.transform"
    assert (worker["release"], worker["loop_lag"], worker["counts"]["text.transform"]) == (
        "2026.1",
        0.25,
        {"started": 3},
    )
    assert (worker["command"], worker["is_acknowledged"]) == (None, True)


async def test_the_fleet_s_jobs_are_counted_by_type_and_outcome_from_what_its_workers_told(house: House) -> None:
    nothing: dict[str, object] = {"since": None, "by_type": {}, "removed": {}, "running": {}, "unnamed": 0}
    assert await house.get("/workers/counts") == (200, nothing)
    fleet, now = require(house.context.fleet)._fleet, CLOCK.now()
    counts = {"text.transform": {"started": 3, "failed": 1}}
    for worker, day in (("gone", day_of(now)), ("long gone", day_of(now - 6 * 86_400_000))):
        await fleet.heartbeat(Heartbeat(worker=worker, boot="b", seen=now - 86_400_000, counts=counts), first=True)
        [member] = await fleet.members()
        assert await fleet.fold(member, day)
    await with_a_worker(house, busy=3, started_at=now, counts=counts)
    counted = {"text.transform": {"started": 2}, "a": {"succeeded": 1}}
    left = Heartbeat(worker="left", boot="b", seen=now, started_at=now - 5000, counts=counted, busy=1)
    await fleet.heartbeat(replace(left, state=WorkerState.STOPPED), first=True)
    status, shown = await house.get("/workers/counts")
    assert (status, shown["since"]) == (200, rfc3339(now - 5000))
    assert shown["by_type"] == {"a": {"succeeded": 1}, "text.transform": {"started": 5, "failed": 1}}
    assert (shown["running"], shown["unnamed"]) == ({"text.transform": 1}, 2)
    assert shown["removed"] == {day_of(now): counts}
    _, week = await house.get("/workers/counts?days=7")
    assert week["removed"] == {day_of(now): counts, day_of(now - 6 * 86_400_000): counts}


@pytest.mark.parametrize("days", ["0", "32", "-1", "1.5", "x", "", "1&days=2"])
async def test_counts_of_another_number_of_days_are_refused(house: House, days: str) -> None:
    answer = await house.get(f"/workers/counts?days={days}")
    assert problem_of(answer) == (400, "malformed-request")
    assert "from 1 to 31" in answer[1]["detail"]


@pytest.mark.parametrize("command", list(Command))
async def test_a_worker_is_asked_for_something_by_name(house: House, command: Command) -> None:
    await with_a_worker(house)
    status, worker = await house.post(f"/workers/{NAME}/{command}")
    assert (status, worker["command"], worker["is_acknowledged"]) == (202, command, False)
    [told] = [event for event in house.events if isinstance(event, WorkerOrdered)]
    assert (told.member, told.command, told.by) == (NAME, command, "local")


@pytest.mark.parametrize("said", [None, {"seen": 0}, {"state": WorkerState.STOPPED}])
async def test_who_is_not_alive_is_404(house: House, said: dict[str, Any] | None) -> None:
    if said is not None:
        await with_a_worker(house, **said)
    assert problem_of(await house.post(f"/workers/{NAME}/quiet")) == (404, "worker-not-found")


async def test_a_queue_is_paused_for_a_time_and_resumed(house: House) -> None:
    await with_a_worker(house)
    status, queue = await house.post("/queues/main/pause", json={"for": 1800, "reason": "migration"})
    assert (status, queue["state"], queue["by"], queue["reason"]) == (202, "paused", "local", "migration")
    assert queue["workers"] == [NAME]
    ends_in = datetime.fromisoformat(queue["until"]) - datetime.now(UTC)
    assert timedelta(seconds=1500) < ends_in <= timedelta(seconds=1800)
    _, shown = await house.get("/queues")
    assert {one["queue"]: one["state"] for one in shown["queues"]} == {"main": "paused", "more": "running"}
    status, queue = await house.post("/queues/main/resume")
    assert (status, queue["state"], queue["until"], queue["by"]) == (202, "running", None, None)
    told = [(event.state, event.by) for event in house.events if isinstance(event, QueueOrdered)]
    assert told == [("paused", "local"), ("running", "local")]


@pytest.mark.parametrize(
    ("ask", "problem", "said"),
    [
        ({}, (422, "pause-refused"), "needs an end"),
        ({"until": "2020-01-01T00:00:00Z"}, (422, "pause-refused"), "is past"),
        ({"until": "2999-01-01T00:00:00+01:00"}, (422, "pause-refused"), "24 hours"),
        ({"until": "2026-12-01T06:00:00"}, (422, "invalid-request"), "zone"),
        ({"until": "tomorrow"}, (422, "invalid-request"), "zone"),
        ({"for": 0}, (422, "invalid-request"), "/for"),
        ({"for": 86_401}, (422, "invalid-request"), "/for"),
        ({"for": 60, "until": "2999-01-01T00:00:00Z"}, (422, "invalid-request"), "not both"),
        ({"for": 60, "reason": "x" * 201}, (422, "invalid-request"), "/reason"),
    ],
)
async def test_a_pause_is_refused_with_what_is_wrong(
    house: House, ask: dict[str, Any], problem: tuple[int, str], said: str
) -> None:
    answer = await house.post("/queues/main/pause", json=ask)
    assert problem_of(answer) == problem
    assert said in answer[1]["detail"]


async def test_a_queue_that_nobody_knows_is_refused(house: House) -> None:
    assert problem_of(await house.post("/queues/mian/pause", json={"for": 60})) == (422, "unknown-queue")


async def test_a_queue_that_drains_needs_no_end(house: House) -> None:
    status, queue = await house.post("/queues/main/drain", json={"reason": "closed"})
    assert (status, queue["state"], queue["until"]) == (202, "draining", None)


async def test_who_asked_is_the_token_s_name() -> None:
    async with open_house(tokens=[token("alice", "operate", tenant="*")]) as house:
        _, queue = await house.post("/queues/main/pause", json={"for": 60}, headers=bearer("alice"))
    assert queue["by"] == "alice"


@pytest.mark.parametrize("way", WAYS)
async def test_the_client_does_the_same_over_http_and_straight(way: str) -> None:
    async with open_shop(way) as shop:
        await with_a_worker(shop.house)
        fleet = shop.client.fleet
        assert [worker["worker"] for worker in await fleet.workers()] == [NAME]
        assert (await fleet.counts(days=3))["running"] == {"text.transform": 1}
        with pytest.raises(SubmissionRefused, match="1 to 31"):
            await fleet.counts(days=32)
        for order, command in ((fleet.quiet, "quiet"), (fleet.resume, "resume"), (fleet.drain, "drain")):
            assert (await order(NAME))["command"] == command
        assert (await fleet.pause_queue("main", lasts=timedelta(minutes=30)))["state"] == "paused"
        until = datetime.now(UTC) + timedelta(hours=1)
        assert (await fleet.drain_queue("main", until=until, reason="closed"))["state"] == "draining"
        assert (await fleet.resume_queue("main"))["state"] == "running"
        assert [queue["queue"] for queue in await fleet.queues()] == ["main", "more"]
        await refusals(shop)


async def refusals(shop: Shop) -> None:
    fleet = shop.client.fleet
    with pytest.raises(WorkerNotFound):
        await fleet.quiet("nobody")
    with pytest.raises(PauseRefused, match="needs an end"):
        await fleet.pause_queue("main")
    with pytest.raises(UnknownQueue):
        await fleet.pause_queue("mian", lasts=60)
    with pytest.raises(SubmissionRefused, match="not both"):
        await fleet.pause_queue("main", lasts=60, until=datetime.now(UTC))
    with pytest.raises(SubmissionRefused, match="zone"):
        await fleet.pause_queue("main", until=datetime.now(UTC).replace(tzinfo=None))


def test_the_fleet_is_asked_within_an_open_client() -> None:
    assert Client.http("http://127.0.0.1:1").fleet is not None


async def test_the_levels_of_a_queue_are_told_with_their_shares_of_starts(house: House) -> None:
    levels = (LevelCount("main-high", 30, 2), LevelCount("main", 15), LevelCount("main-low", 5, 90))
    await with_a_worker(house, levels=levels)
    _, shown = await house.get("/queues")
    main, more = shown["queues"]
    told = [(level["priority"], level["queue"], level["starts"], level["share"]) for level in main["levels"]]
    assert told == [("high", "main-high", 30, 0.6), ("medium", "main", 15, 0.3), ("low", "main-low", 5, 0.1)]
    assert [level["oldest"] for level in main["levels"]] == [2, 0, 90]
    assert more["levels"] == []
