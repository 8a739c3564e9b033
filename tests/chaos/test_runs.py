"""The acceptance runs, small enough for every change; `make chaos` makes them at full size."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.chaos.report import Report
from tests.chaos.runs.ambiguity import ambiguity
from tests.chaos.runs.commit import commit
from tests.chaos.runs.crash import crash
from tests.chaos.runs.duplicates import duplicates
from tests.chaos.runs.keys import keys
from tests.chaos.runs.kill import kill
from tests.chaos.runs.outage import outage
from tests.chaos.runs.pause import pause
from tests.chaos.runs.poison import poison
from tests.chaos.runs.scene import Stage
from tests.chaos.runs.shutdown import shutdown

pytestmark = [pytest.mark.engines, pytest.mark.timeout(120)]


def kept(report: Report) -> bool:
    """Whether the run kept its promises; a broken one is shown whole."""
    assert report.passed, report.text()
    return True


async def test_deaths_at_every_point_of_the_journey_and_lost_answers_lose_no_job(stage: Stage) -> None:
    assert kept(await commit(stage, jobs=150))


async def test_kills_at_random_moments_lose_no_job(stage: Stage) -> None:
    assert kept(await kill(stage, jobs=200, kills=2))


async def test_lost_answers_make_no_second_job_and_no_second_start(stage: Stage) -> None:
    assert kept(await ambiguity(stage, jobs=200))


async def test_copies_of_messages_start_nothing(stage: Stage) -> None:
    assert kept(await duplicates(stage, jobs=100))


async def test_a_key_in_many_hands_makes_one_job(stage: Stage) -> None:
    assert kept(await keys(stage, keys=10, at_once=20))


async def test_stops_cost_nothing(stage: Stage) -> None:
    assert kept(await shutdown(stage, cycles=4))


async def test_freezes_poison_crashes_and_an_outage_side_by_side_lose_no_job(stage: Stage) -> None:
    """Runs that mostly wait for leases to end, each in a world of its own."""
    stages = [replace(stage, folder=stage.folder / name) for name in ("pause", "poison", "crash", "outage")]
    for each in stages:
        each.folder.mkdir()
    reports = await asyncio.gather(
        pause(stages[0], jobs=60, freezes=2, seconds=8.0),
        poison(stages[1], jobs=50, poisons=20),
        crash(stages[2], jobs=60, killers=1),
        outage(stages[3], jobs=100, seconds=12.0),
    )
    for report in reports:
        assert kept(report)
