"""The acceptance runs, small enough for every change; `make chaos` makes them at full size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from tests.chaos.report import Report
from tests.chaos.runs.ambiguity import ambiguity
from tests.chaos.runs.bulk import bulk
from tests.chaos.runs.commit import commit
from tests.chaos.runs.crash import crash
from tests.chaos.runs.due import due
from tests.chaos.runs.duplicates import duplicates
from tests.chaos.runs.keys import keys
from tests.chaos.runs.kill import kill
from tests.chaos.runs.limits import limits
from tests.chaos.runs.outage import outage
from tests.chaos.runs.pause import pause
from tests.chaos.runs.poison import poison
from tests.chaos.runs.priorities import priorities
from tests.chaos.runs.purge import purge
from tests.chaos.runs.scene import Stage
from tests.chaos.runs.shutdown import shutdown
from tests.chaos.runs.silence import silence
from tests.conftest import Tell

pytestmark = [pytest.mark.engines, pytest.mark.timeout(120)]


Run = Callable[[Stage], Awaitable[Report]]


async def broken(stage: Stage, tell: Tell, **runs: Run) -> list[str]:
    """The names of the runs that broke a promise; they are made side by side, each in a world of its own."""
    stages = [replace(stage, folder=stage.folder / name) for name in runs]
    for each in stages:
        each.folder.mkdir()
    reports = await asyncio.gather(*(run(each) for run, each in zip(runs.values(), stages, strict=True)))
    for report in reports:
        tell(report.text())
    return [report.name for report in reports if not report.passed]


async def test_kills_at_random_moments_lose_no_job(stage: Stage, tell: Tell) -> None:
    assert not await broken(stage, tell, kill=partial(kill, jobs=200, kills=2))


async def test_levels_share_the_slots_as_they_should_and_an_urgent_job_waits_for_one(stage: Stage, tell: Tell) -> None:
    assert not await broken(stage, tell, priorities=partial(priorities, starts=1000, backlog=300))


async def test_no_more_of_a_key_run_at_once_than_its_limit_whoever_dies(stage: Stage, tell: Tell) -> None:
    assert not await broken(stage, tell, limits=partial(limits, jobs=60, keys=4, seconds=1.0, kills=1))


async def test_stops_cost_nothing(stage: Stage, tell: Tell) -> None:
    assert not await broken(stage, tell, shutdown=partial(shutdown, cycles=2))


async def test_deaths_and_lost_answers_and_copies_lose_and_double_no_job(stage: Stage, tell: Tell) -> None:
    assert not await broken(
        stage,
        tell,
        commit=partial(commit, jobs=150),
        ambiguity=partial(ambiguity, jobs=140),
        duplicates=partial(duplicates, jobs=100),
        keys=partial(keys, keys=10, at_once=20),
    )


async def test_freezes_poison_crashes_and_an_outage_lose_no_job(stage: Stage, tell: Tell) -> None:
    assert not await broken(
        stage,
        tell,
        pause=partial(pause, jobs=200, freezes=2, seconds=8.0),
        poison=partial(poison, jobs=50, poisons=20),
        crash=partial(crash, jobs=60, killers=1),
        outage=partial(outage, jobs=100, seconds=12.0),
    )


async def test_jobs_for_later_and_those_of_an_operation_are_neither_lost_nor_early_nor_doubled_by_kills(
    stage: Stage, tell: Tell
) -> None:
    assert not await broken(
        stage,
        tell,
        due=partial(due, jobs=120, kills=2, seconds=8.0),
        bulk=partial(bulk, jobs=150, kills=2, rate=20),
    )


async def test_silent_services_and_purged_queues_charge_no_attempt(stage: Stage, tell: Tell) -> None:
    assert not await broken(
        stage, tell, silence=partial(silence, jobs=12, usual=stage.visibility), purge=partial(purge, jobs=24)
    )
