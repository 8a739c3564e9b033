"""The port Fleet: who is alive, what is asked of them, what holds for all, and counts that are told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from cqworker.aws.dynamodb.fleet_items import heartbeat_cells, member_of, worker_key
from cqworker.aws.dynamodb.write_units import size_of
from cqworker.model.crowding import Crowding
from cqworker.model.ids import new_job_id
from cqworker.model.limits import LimitOrder, Rate
from cqworker.ports.fleet import (
    Command,
    Control,
    Fleet,
    FleetMember,
    Heartbeat,
    LevelCount,
    Orders,
    QueueOrder,
    QueueState,
    RunningJob,
    WorkerState,
)
from tests.contract.clock import NOW, SetClock
from tests.contract.conftest import WORLDS_WITH_TRANSACTIONS, open_world
from tests.contract.worlds import World

MINUTE = 60_000
DAY = "2026-01-01"
SAID = Heartbeat(
    worker="host.abcdef:7",
    boot="one",
    seen=NOW,
    version="0.2.0",
    release="2026-01-01.3",
    host="ip-10-0-1-7",
    roles=("worker", "api"),
    started_at=NOW - 5,
    every=60,
    state=WorkerState.RUNNING,
    queues=("jobs", "more"),
    slots=32,
    busy=2,
    oldest=(RunningJob("a", "text.transform", NOW - 3), RunningJob("b", "image.grayscale", NOW - 2)),
    types="0123abcd",
    counts={"text.transform": {"started": 7, "failed": 1}, "image.grayscale": {"started": 2}},
    lag=3,
    leases=2,
    memory=70_000_000,
    write_units=21,
    read_units=4,
    ran=12,
    waited=150,
    obeyed=0,
    levels=(LevelCount("jobs-high", 7, 3), LevelCount("jobs", 2)),
)


@pytest.fixture(params=WORLDS_WITH_TRANSACTIONS)
async def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with open_world(request, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def fleet(world: World, clock: SetClock) -> Fleet:
    return await world.fleet(clock)


async def heard(fleet: Fleet, said: Heartbeat, *, first: bool = True) -> Orders:
    orders = await fleet.heartbeat(said, first=first)
    assert orders is not None
    return orders


async def only(fleet: Fleet) -> FleetMember:
    [member] = await fleet.members()
    return member


async def test_a_daemon_is_shown_as_it_says_of_itself(fleet: Fleet) -> None:
    assert await heard(fleet, SAID) == Orders()
    assert await only(fleet) == FleetMember(SAID, Orders())


async def test_daemons_are_listed_by_name_and_none_before_the_first_heartbeat(fleet: Fleet) -> None:
    assert list(await fleet.members()) == []
    for name in ("b", "a"):
        await heard(fleet, replace(SAID, worker=name))
    assert [member.heartbeat.worker for member in await fleet.members()] == ["a", "b"]


async def test_a_later_heartbeat_replaces_all_that_an_earlier_one_said(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    later = replace(SAID, seen=NOW + MINUTE, busy=0, oldest=(), counts={"text.transform": {"started": 8}})
    await heard(fleet, later, first=False)
    assert (await only(fleet)).heartbeat == later


async def test_the_name_of_a_live_daemon_is_refused_to_another_start(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    assert await fleet.heartbeat(replace(SAID, boot="two", seen=NOW + 182_000), first=True) is None
    assert (await only(fleet)).heartbeat == SAID


async def test_a_first_heartbeat_whose_answer_was_lost_can_be_repeated(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    await heard(fleet, SAID)
    assert (await only(fleet)).heartbeat == SAID


@pytest.mark.parametrize("left", [replace(SAID, seen=NOW - 182_001), replace(SAID, state=WorkerState.STOPPED)])
async def test_what_a_daemon_left_behind_is_replaced_by_the_next_of_its_name(fleet: Fleet, left: Heartbeat) -> None:
    await heard(fleet, left)
    await heard(fleet, replace(SAID, boot="two"))
    assert (await only(fleet)).heartbeat.boot == "two"


async def test_a_feature_is_enabled_once_and_stays_so_whatever_changes(fleet: Fleet) -> None:
    assert (await fleet.control()).enabled == frozenset()
    assert await fleet.enable("limits")
    assert not await fleet.enable("limits")
    assert await fleet.change_control(Control(1, {"jobs": QueueOrder(state=QueueState.PAUSED)}))
    assert await fleet.enable("more")
    control = await fleet.control()
    assert (control.revision, control.enabled) == (1, frozenset({"limits", "more"}))
    assert list(control.queues) == ["jobs"]


async def test_what_is_full_is_said_until_it_is_taken_back_whatever_else_changes(fleet: Fleet) -> None:
    full = Crowding(limits=("type:work",), tenants=("acme", "bob"), until=NOW + MINUTE)
    await fleet.crowd(replace(full, tenants=()))
    await fleet.crowd(full)
    assert (await fleet.control()) == Control(crowding=full)
    assert await fleet.change_control(Control(1, {"jobs": QueueOrder(state=QueueState.PAUSED)}))
    assert await fleet.enable("limits")
    control = await fleet.control()
    assert (control.revision, control.enabled, control.crowding) == (1, frozenset({"limits"}), full)
    await fleet.crowd(Crowding(until=NOW + MINUTE))
    assert (await fleet.control()).crowding is None


async def test_two_starts_of_one_name_at_once_have_one_winner(fleet: Fleet) -> None:
    starts = (replace(SAID, boot=boot) for boot in ("one", "two", "three"))
    answers = await asyncio.gather(*(fleet.heartbeat(said, first=True) for said in starts))
    assert sorted(answer is None for answer in answers) == [False, True, True]


async def test_a_daemon_hears_what_is_asked_of_it_with_its_next_heartbeat(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    given = await fleet.order(SAID.worker, Command.QUIET, NOW)
    assert given == Orders(Command.QUIET, 1)
    assert await heard(fleet, replace(SAID, seen=NOW + 1), first=False) == given
    assert (await only(fleet)).orders == given


async def test_each_command_has_a_revision_of_its_own(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    for revision, command in enumerate((Command.QUIET, Command.QUIET, Command.DRAIN), 1):
        assert await fleet.order(SAID.worker, command, NOW) == Orders(command, revision)


async def test_nothing_is_asked_of_a_daemon_that_nobody_knows_or_hears(fleet: Fleet) -> None:
    assert await fleet.order("nobody", Command.DRAIN, NOW) is None
    await heard(fleet, SAID)
    assert await fleet.order(SAID.worker, Command.DRAIN, NOW + 182_001) is None
    await heard(fleet, replace(SAID, state=WorkerState.STOPPED), first=False)
    assert await fleet.order(SAID.worker, Command.DRAIN, NOW) is None
    assert (await only(fleet)).orders == Orders()


async def test_a_command_is_meant_for_the_start_that_was_alive_then(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    await fleet.order(SAID.worker, Command.DRAIN, NOW)
    orders = await heard(fleet, replace(SAID, boot="two", seen=NOW + 200_000))
    assert orders.command is None


async def test_a_daemon_hears_until_when_it_is_watched(fleet: Fleet) -> None:
    await fleet.watch(SAID.worker, NOW + MINUTE)
    assert list(await fleet.members()) == []
    await heard(fleet, SAID)
    await fleet.watch(SAID.worker, NOW + MINUTE)
    assert (await heard(fleet, SAID, first=False)).watched_until == NOW + MINUTE


async def test_the_job_types_of_a_deploy_are_kept_by_their_hash(fleet: Fleet) -> None:
    assert await fleet.types("0123") == frozenset()
    for _ in range(2):
        await fleet.publish_types("0123", {"b", "a"})
    assert await fleet.types("0123") == {"a", "b"}


async def test_what_holds_for_the_fleet_is_changed_by_one_at_a_time(fleet: Fleet) -> None:
    assert await fleet.control() == Control()
    order = QueueOrder(state=QueueState.PAUSED, until=NOW + MINUTE, since=NOW, by="alice", reason="migration")
    limited = LimitOrder(concurrency=0, rate=Rate(100, "s"), until=90_000, since=30_000, by="ops", reason="bad deploy")
    first, second = Control(1, {"jobs": order}, {"tenant:acme": limited}), Control(2, {})
    assert await fleet.change_control(first)
    assert not await fleet.change_control(first)
    assert await fleet.control() == first
    assert await fleet.change_control(second)
    assert not await fleet.change_control(replace(second, revision=4))
    assert await fleet.control() == second


async def test_the_counts_of_a_daemon_that_is_removed_are_kept(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    await heard(fleet, replace(SAID, worker="other", counts={"text.transform": {"started": 1}}))
    for member in await fleet.members():
        assert await fleet.fold(member, DAY)
    assert await fleet.folded(DAY) == {"text.transform": {"started": 8, "failed": 1}, "image.grayscale": {"started": 2}}
    assert await fleet.folded("2026-01-02") == {}
    assert list(await fleet.members()) == []


async def test_counts_are_told_once_whoever_removes_the_daemon(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    member = await only(fleet)
    assert sorted(await asyncio.gather(*(fleet.fold(member, DAY) for _ in range(3)))) == [False, False, True]
    assert await fleet.folded(DAY) == SAID.counts


async def test_a_daemon_that_was_heard_since_is_not_removed(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    member = await only(fleet)
    await heard(fleet, replace(SAID, seen=NOW + 1), first=False)
    assert not await fleet.fold(member, DAY)
    assert await fleet.folded(DAY) == {}


async def test_a_daemon_that_was_removed_does_not_come_back_with_the_same_counts(fleet: Fleet) -> None:
    await heard(fleet, SAID)
    await fleet.fold(await only(fleet), DAY)
    assert await fleet.heartbeat(replace(SAID, seen=NOW + 1), first=False) is None
    assert list(await fleet.members()) == []


async def test_one_that_counted_nothing_is_removed_as_well(fleet: Fleet) -> None:
    await heard(fleet, replace(SAID, counts={}))
    assert await fleet.fold(await only(fleet), DAY)
    assert list(await fleet.members()) == []


def test_a_heartbeat_takes_one_write_unit_however_much_runs() -> None:
    jobs = tuple(RunningJob(new_job_id(NOW + place), f"type.{place % 7}", NOW + place) for place in range(32))
    counts = {f"some.type.{place}": {"started": 1000 + place, "succeeded": 900, "failed": 99} for place in range(60)}
    said = replace(SAID, oldest=jobs, counts=counts, queues=("cqworker",))
    cells = heartbeat_cells(said)
    assert size_of({**worker_key(said.worker), **cells}) <= 1024 - 80
    ours = heartbeat_cells(replace(said, counts={"type.1": {"started": 10}}))
    assert size_of(worker_key(said.worker)) + size_of(ours) <= 1024 - 80


def test_the_oldest_jobs_are_kept_where_not_all_have_room() -> None:
    jobs = tuple(RunningJob(new_job_id(NOW + place), f"type.{place}.{'x' * 40}", NOW + place) for place in range(32))
    counts = {f"type.{place}": {"started": 1 << place} for place in range(40)}
    said = replace(SAID, oldest=jobs, counts=counts)
    kept = member_of({**worker_key(said.worker), **heartbeat_cells(said)}).heartbeat
    assert 5 < len(kept.oldest) < 32
    assert kept.oldest == jobs[: len(kept.oldest)]
    assert sum(counted["started"] for counted in kept.counts.values()) == (1 << 40) - 1
