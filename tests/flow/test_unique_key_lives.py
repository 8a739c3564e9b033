"""How long a unique key is kept: as long as the job that it names may live, whenever that was sent."""

from __future__ import annotations

import asyncio

import pytest

from cqworker import Unavailable
from cqworker.jobs.unique_jobs import KEPT_LONGER
from cqworker.model.operator_writes import Enter
from tests.flow.faults import refused
from tests.flow.test_unique_ghosts import accept, job_that_was_never_sent, spoil_sends, world_of
from tests.flow.world import DAY, story

AFTERWARDS, LATER = 25, 10
"""Days: with both the record of a job that was made at the beginning would be over, and its message would not."""


@story
async def test_a_job_that_is_sent_long_after_its_key_was_taken_keeps_it_until_its_message_is_gone() -> None:
    """Its record could not be put, and no worker was up: the key alone says that there is a job."""
    world = world_of()
    named = await job_that_was_never_sent(world)
    await asyncio.sleep(AFTERWARDS * DAY)
    world.office.store.on(Enter, refused)
    assert (await accept(world)).record.job_id == named
    await asyncio.sleep(LATER * DAY)
    assert (await accept(world)).record.job_id == named


@story
async def test_a_round_that_is_begun_long_after_its_key_was_taken_keeps_it_as_long_as_its_record() -> None:
    world = world_of()
    job_id = (await accept(world)).record.job_id
    await world.operator.cancel(job_id, None)
    spoil_sends(world, refused)
    with pytest.raises(Unavailable):
        await world.operator.retry(job_id, None)
    await asyncio.sleep(AFTERWARDS * DAY)
    record = await world.operator.retry(job_id, None)
    [hold] = world.unique_keys.holds.values()
    assert (hold.round, record.round) == (2, 2)
    assert hold.purge_at >= record.purge_at - KEPT_LONGER
