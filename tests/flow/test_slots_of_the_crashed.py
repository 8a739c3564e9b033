"""The slot of a job whose last attempt died: whoever writes its end gives it back, or else the sweep does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cqworker.admission.slots import SlotKeeper
from cqworker.model.status import Status
from cqworker.ports.limits import Slots
from tests.flow.slots import Meter, end_all
from tests.flow.world import World, story

AT_ONCE = 5.0
TAKEN_OVER = 5 * 60.0
"""Seconds after which the limits of a daemon that died are looked at by another one."""


async def seconds_until_the_next_starts() -> float:
    """From when FAILED `crashed` is written by another worker than the one that died with the slot."""
    world = World({"work": Meter().work}, limits={"type:work": {"concurrency": 1}})
    world.start("w1")
    crashing = await world.submit("work", '{"seconds": 900}', max_attempts=1)
    await world.until(crashing, Status.RUNNING)
    waiting = await world.submit("work")
    await world.until_true(lambda: world.record(waiting).parked)
    world.kill("w1")
    world.start("w2")
    failed = await world.until(crashing, Status.FAILED)
    assert failed.failure is not None
    assert failed.failure.kind == "crashed"
    ended_at = world.clock.monotonic()
    await world.until(waiting, Status.RUNNING, Status.SUCCEEDED)
    seconds = world.clock.monotonic() - ended_at
    await end_all(world, [waiting])
    await world.stop()
    return seconds


@story
async def test_who_writes_the_end_of_a_crashed_job_gives_its_slot_back_by_the_record_s_token() -> None:
    assert await seconds_until_the_next_starts() < AT_ONCE


def test_a_slot_that_is_freed_by_no_token_is_found_by_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = SlotKeeper.free_all

    async def by_no_token(self: SlotKeeper, key: str, job_id: str, _: str | None) -> Sequence[Slots]:
        return await honest(self, key, job_id, None)

    monkeypatch.setattr(SlotKeeper, "free_all", by_no_token)

    @story
    async def told() -> None:
        assert AT_ONCE < await seconds_until_the_next_starts() < TAKEN_OVER

    told()
