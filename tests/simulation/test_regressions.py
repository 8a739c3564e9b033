"""What the simulation has found, each as a story of its own that no seed has to find again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from cqworker import handler
from cqworker.errors import Unavailable
from cqworker.events import LeaseLost, ignore
from cqworker.flow.claim import Claimed, Claimer
from cqworker.flow.context import Context
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth
from cqworker.model.envelope import read_envelope
from cqworker.model.ids import TokenGenerator
from cqworker.model.retention import Retention
from cqworker.model.unique import Unique
from tests.flow.faults import late, refused, slow
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import VISIBILITY, World, story

DRAIN = 25.0


@story
async def test_a_hanging_renewal_of_one_job_does_not_delay_the_ending_of_another() -> None:
    world = World({"work": worker_of(Notebook(), 30)})
    hanging = await world.submit("work")
    host = world.start(before=lambda host: host.store.on("Renew", slow(14)))
    await asyncio.sleep(5)  # so that its renewal is the first
    other = await world.submit("work", '{"seconds": 21}')
    record = await world.until(other)
    assert (record.finished_at or 0) - (record.started_at or 0) < 22_000
    assert (await world.until(hanging)).attempt == 1
    assert host.seen(LeaseLost) == []
    await world.stop()


@story
async def test_a_renewal_that_is_never_answered_leaves_time_for_another_one() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 200)})
    host = world.start(before=lambda host: host.store.on("Renew", slow(1000)))
    record = await world.until(await world.submit("work"))
    assert (record.attempt, len(book.starts)) == (1, 1)
    assert host.seen(LeaseLost) == []
    await world.stop()


def claims_of(world: World) -> Claimer:
    health = ServiceHealth(world.clock, ignore, ())
    context = Context(
        store=world.store,
        health=health,
        clock=world.clock,
        emit=ignore,
        retention=Retention(days=30),
        schedule=ScheduleState(None, world.clock),
        unique_keys=world.unique_keys,
        worker="w1",
    )
    return Claimer(context, TokenGenerator(), VISIBILITY)


@pytest.mark.parametrize(("held_for", "attempts"), [(0, 1), (49, 1), (51, 0), (70, 0)])
@story
async def test_a_message_whose_receipt_would_end_before_a_renewal_is_not_claimed(held_for: int, attempts: int) -> None:
    world = World({"work": worker_of(Notebook(), 1)})
    job_id = await world.submit("work")
    (delivery,) = await world.queue.receive(1, 0, VISIBILITY)
    await asyncio.sleep(held_for)
    claims = claims_of(world)
    await claims.claim(delivery, read_envelope(delivery.body))
    assert world.record(job_id).attempt == attempts


@story
async def test_a_lease_is_first_renewed_when_the_older_one_of_its_ledgers_needs_it() -> None:
    world = World({"work": worker_of(Notebook(), 1)})
    await world.submit("work")
    (delivery,) = await world.queue.receive(1, 0, VISIBILITY)
    claims = claims_of(world)
    await asyncio.sleep(45)
    claimed = await claims.claim(delivery, read_envelope(delivery.body))
    assert isinstance(claimed, Claimed)
    assert claimed.lease.renew_at <= world.clock.monotonic()


@story
async def test_a_drain_ends_in_time_although_nothing_that_was_told_to_stop_does() -> None:
    @asynccontextmanager
    async def endless() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(1000)

    @handler(lifespan=endless, timeout=3600)
    async def deaf(payload: dict[str, Any]) -> None:
        for _ in range(10):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)

    world = World({"deaf": deaf})
    host = world.start()
    await world.submit("deaf")
    await world.until_true(lambda: host.worker.executor.runs)
    began = world.clock.monotonic()
    await host.drain(DRAIN)
    assert world.clock.monotonic() - began <= DRAIN + 1.5


@story
async def test_two_tries_of_one_request_with_both_keys_are_one_job_although_one_stands_still_meanwhile() -> None:
    """Seed 18: one try healed a job that was never sent, which ended; the other woke up with its own id."""
    world = World({"work": worker_of(Notebook(), 1)})
    for call in ("send", "send_many"):
        world.office.queue.on(call, refused)
    with pytest.raises(Unavailable):
        await world.accept("work", unique=Unique())
    [ghost] = world.unique_keys.holds.values()
    world.start()
    world.office.store.on("take", late(120))
    answers = await asyncio.gather(*(world.accept("work", unique=Unique(), idempotency_key="one") for _ in range(2)))
    assert [accepted.record.job_id for accepted in answers] == [ghost.job_id, ghost.job_id]
    assert sorted(accepted.replayed for accepted in answers) == [False, True]
    assert [*world.store.records] == [ghost.job_id]
    await world.stop()
