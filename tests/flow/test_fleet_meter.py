"""What the fleet's work asks for, out of what its members tell; who is gone for an hour is removed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from cqworker.events import Event
from cqworker.events.fleet_events import FleetMeasured, FleetUnmeasured, WorkerFolded
from cqworker.fleet.fleet_meter import FleetMeter, Plan, Step, desired_workers
from cqworker.ports.fleet import Heartbeat, WorkerState
from cqworker.testing import VirtualClock
from cqworker.testing.memory_fleet import MemoryFleet
from tests.flow.world import story


@dataclass
class Place:
    """A registry, and a meter that looks at it."""

    backlog: int = 0
    chosen: bool = True
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fleet, self.clock = MemoryFleet(), VirtualClock()
        self.meter = FleetMeter(
            self.fleet, self.clock, self.events.append, lambda: self.chosen, lambda: self.backlog, Plan(usual_slots=32)
        )

    def tell(self, name: str, *, ended: int = 0, **said: object) -> None:
        counts = {"work": {"started": ended, "succeeded": ended}}
        facts = {"boot": "b", "seen": self.clock.now(), "slots": 10, "counts": counts} | said
        self.fleet.workers[name] = Heartbeat(worker=name, **facts)  # type: ignore[arg-type]


def measured(place: Place) -> FleetMeasured:
    assert place.meter.latest is not None
    return place.meter.latest


@pytest.mark.parametrize(
    ("steps", "backlog", "desired"),
    [
        ([], 0, 0),
        ([], 300, 1),
        ([Step(60, 60, 60, 0)], 0, 1),
        ([Step(60, 600, 1200, 0)], 0, 3),
        ([Step(60, 600, 1200, 600)], 0, 5),
        ([Step(60, 600, 1200, -900)], 0, 0),
        ([Step(60, 600, 1200, 0)], 3000, 5),
        ([Step(60, 480, 480, 0)], 0, 1),
    ],
)
def test_the_workers_that_are_wanted_take_in_what_comes_and_empty_the_queue_in_five_minutes(
    steps: list[Step], backlog: int, desired: int
) -> None:
    """ceil((arrivals x mean seconds + backlog x mean seconds / 300) / (0.8 x 10 slots))."""
    assert desired_workers(steps, backlog, 10) == desired


@pytest.mark.parametrize(("target", "desired"), [(60, 15), (300, 5), (3600, 3)])
def test_who_wants_the_backlog_gone_sooner_is_told_of_more_workers(target: float, desired: int) -> None:
    assert desired_workers([Step(60, 600, 1200, 0)], 3000, 10, target) == desired


@story
async def test_the_meter_plans_with_the_drain_target_that_it_is_given() -> None:
    place = Place(backlog=2400)
    place.meter = FleetMeter(
        place.fleet, place.clock, place.events.append, lambda: True, lambda: place.backlog, Plan(32, drain_target=30)
    )
    place.tell("a")
    await place.meter.measure()
    assert measured(place).desired == 10


@story
async def test_figures_are_those_of_the_live_members() -> None:
    place = Place(backlog=30)
    place.tell("a", busy=5)
    place.tell("b", busy=10)
    place.tell("api", slots=0)
    place.tell("dead", busy=10, seen=place.clock.now() - 200_000)
    place.tell("left", busy=10, state=WorkerState.STOPPED)
    await place.meter.measure()
    figures = measured(place)
    assert (figures.live, figures.silent, figures.slots, figures.busy, figures.backlog) == (3, 1, 20, 15, 30)
    assert await place.meter.count_live() == 3


@story
async def test_rates_are_taken_between_looks_and_a_restart_takes_nothing_away() -> None:
    place = Place()
    place.tell("a", ended=1000, ran=1_000_000)
    await place.meter.measure()
    await asyncio.sleep(60)
    place.tell("a", ended=1600, ran=2_200_000)
    await place.meter.measure()
    assert measured(place).desired == 3
    await asyncio.sleep(60)
    place.tell("a", boot="again", ended=600, ran=1_200_000)
    await place.meter.measure()
    assert measured(place).desired == 3


@story
async def test_the_oldest_age_is_the_longest_wait_or_since_when_nothing_starts() -> None:
    place = Place(backlog=5)
    place.tell("a", waited=7_000)
    place.tell("b", waited=90_000)
    await place.meter.measure()
    assert measured(place).oldest == 90
    for _ in range(3):
        await asyncio.sleep(60)
        place.tell("a")
        place.tell("b")
        await place.meter.measure()
    assert measured(place).oldest == pytest.approx(180)
    place.backlog = 0
    await place.meter.measure()
    assert measured(place).oldest == 0


@story
async def test_only_the_chosen_one_measures_and_says_when_it_does_no_more() -> None:
    place = Place(chosen=False)
    place.tell("a")
    loop = asyncio.create_task(place.meter.run())
    await asyncio.sleep(121)
    assert place.events == []
    place.chosen = True
    await asyncio.sleep(60)
    assert isinstance(place.events[-1], FleetMeasured)
    place.chosen = False
    await asyncio.sleep(181)
    assert [type(event) for event in place.events].count(FleetUnmeasured) == 1
    assert place.meter.latest is None
    loop.cancel()


@pytest.mark.parametrize("state", [WorkerState.RUNNING, WorkerState.STOPPED])
@story
async def test_who_was_not_heard_for_an_hour_is_removed_and_what_it_counted_is_kept(state: WorkerState) -> None:
    place = Place()
    place.tell("gone", ended=7, state=state)
    day = "2026-01-01"
    await asyncio.sleep(3600)
    await place.meter.measure()
    assert "gone" in place.fleet.workers
    await asyncio.sleep(1)
    await place.meter.measure()
    await place.meter.measure()
    assert place.fleet.workers == {}
    assert await place.fleet.folded(day) == {"work": {"started": 7, "succeeded": 7}}
    [folded] = [event for event in place.events if isinstance(event, WorkerFolded)]
    assert folded.member == "gone"
