"""Who of a fleet sweeps which shard: shared out, followed when its holder dies or cannot finish, harmless if shared."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.errors import Unavailable
from cqworker.events import JobStarted
from cqworker.events.schedule_events import JobHandedOver, ShardLeft, ShardSwept
from cqworker.model.status import Status
from cqworker.ports.schedule import DueEntry, SweepLease
from cqworker.scheduling.sweep_leases import ALL_SHARDS, FOLLOW_MS, LEASE_MS, LOOK_MS, SweepLeases
from tests.flow.faults import Mishap, refused, unanswered
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.time_travel import HOUR, MINUTE, TAKEOVER
from tests.flow.world import World, story


def leases_of(world: World, holder: str, chance: float = 0.5, live: int = 0) -> SweepLeases:
    async def count_live() -> int:
        return live

    return SweepLeases(world.schedule, world.clock, holder, lambda: chance, count_live)


def held_by(world: World, holder: str) -> list[str]:
    leases = [one for one in world.schedule.leases.values() if one.until > world.clock.now()]
    return sorted(one.shard for one in leases if one.holder == holder and one.shard in ALL_SHARDS)


def grant(world: World, holder: str, *shards: str, seconds: float = 1000) -> None:
    until = world.clock.now() + round(seconds * 1000)
    world.schedule.leases |= {shard: SweepLease(shard, holder, until) for shard in shards}


@story
async def test_one_alone_sweeps_every_shard() -> None:
    world = World({"quick": quick})
    alone = leases_of(world, "a")
    await alone.look()
    assert alone.shards == ALL_SHARDS


@story
async def test_several_take_an_even_share_and_one_more_at_most() -> None:
    world = World({"quick": quick})
    grant(world, "b", "0")
    grant(world, "c", "1")
    third = leases_of(world, "a")
    await third.look()
    assert third.shards == ("2", "3", "4", "5"), "8 shards, 3 holders: 3 and 1"


@story
async def test_a_shard_that_somebody_holds_is_left_to_them() -> None:
    world = World({"quick": quick})
    grant(world, "b", *ALL_SHARDS)
    other = leases_of(world, "a")
    await other.look()
    assert other.shards == ()
    assert held_by(world, "b") == [*ALL_SHARDS]


@story
async def test_a_shard_whose_holder_is_silent_is_taken_once_its_lease_is_over() -> None:
    world = World({"quick": quick})
    first, second = leases_of(world, "a"), leases_of(world, "b", chance=1)
    await first.look()
    await second.look()
    began = asyncio.get_running_loop().time()
    while not second.shards:
        await asyncio.sleep(1)
        await second.look()
    assert asyncio.get_running_loop().time() - began <= TAKEOVER
    assert first.shards == (), "it knows that its time is over"


@story
async def test_two_looks_are_a_minute_apart_or_half_of_it_more_or_less() -> None:
    world = World({"quick": quick})
    grant(world, "b", *ALL_SHARDS)
    for chance in (0.0, 1.0):
        one = leases_of(world, "a", chance)
        await one.look()
        world.schedule.leases.clear()
        await asyncio.sleep(LOOK_MS / 1000 * (0.5 + chance) - 1)
        await one.look()
        assert one.shards == ()
        await asyncio.sleep(1)
        await one.look()
        assert one.shards == ALL_SHARDS
        grant(world, "b", *ALL_SHARDS)


@story
async def test_a_lease_is_renewed_a_minute_before_it_could_matter_and_not_at_every_sweep() -> None:
    world = World({"quick": quick})
    leases = leases_of(world, "a")
    await leases.look()
    first = world.schedule.leases["3"].until
    await asyncio.sleep(30)
    await leases.renew("3")
    assert world.schedule.leases["3"].until == first
    await asyncio.sleep(30)
    await leases.renew("3")
    assert world.schedule.leases["3"].until == world.clock.now() + LEASE_MS


@story
async def test_a_shard_that_another_took_meanwhile_is_swept_no_more() -> None:
    world = World({"quick": quick})
    leases = leases_of(world, "a")
    await leases.look()
    await asyncio.sleep(MINUTE)
    grant(world, "b", "3")
    await leases.renew("3")
    assert leases.shards == tuple(shard for shard in ALL_SHARDS if shard != "3")


@story
async def test_who_has_lost_a_shard_says_no_longer_how_late_its_jobs_are() -> None:
    world = World({"quick": quick})
    sweeper = world.office.sweeper
    await sweeper.sweep()
    await asyncio.sleep(LEASE_MS / 1000)
    grant(world, "b", *ALL_SHARDS)
    await sweeper.sweep()
    assert {event.shard for event in world.office.seen(ShardLeft)} == {*ALL_SHARDS}


@story
async def test_who_is_drained_lets_its_shards_go_at_once() -> None:
    world = World({"quick": quick})
    leases = leases_of(world, "a")
    await leases.look()
    grant(world, "b", "3")
    await leases.give_up_all()
    assert (leases.shards, [*world.schedule.leases]) == ((), ["3"])


@story
async def test_a_sweeper_that_is_stopped_gives_its_leases_back() -> None:
    world = World({"quick": quick})
    sweeper = world.office.sweeper
    task = asyncio.get_running_loop().create_task(sweeper.run())
    await asyncio.sleep(MINUTE)
    assert held_by(world, "office") == [*ALL_SHARDS]
    sweeper.stop()
    await task
    assert world.schedule.leases == {}


@pytest.mark.parametrize("mishap", [refused, unanswered])
@story
async def test_who_cannot_look_tries_again_and_goes_on(mishap: Mishap) -> None:
    world = World({"quick": quick})
    host = world.start(before=lambda host: host.store.on("take_sweep_lease", mishap, 3))
    job_id = await world.submit("quick", delay_seconds=1000)
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()
    assert {event.shard for event in host.seen(ShardSwept)} == {*ALL_SHARDS}


@story
async def test_who_cannot_come_to_the_end_of_a_shard_does_not_renew_it_and_is_followed() -> None:
    """It is alive, and its lease would live for ever: what is due in its shard would never be sent."""
    world = World({"quick": quick})

    async def broken(_apply: object) -> None:
        raise Unavailable("dynamodb", "The page cannot be read.", "Wait.", concerns="item")

    world.start("w1", before=lambda host: host.store.on("due", broken, 100_000))
    job_id = await world.submit("quick", delay_seconds=1000)
    await asyncio.sleep(MINUTE)
    assert held_by(world, "w1") == [*ALL_SHARDS]
    world.start("w2")
    await world.until(job_id, Status.QUEUED, patience=2 * TAKEOVER)
    assert held_by(world, "w2")
    assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_a_shard_that_cannot_be_read_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World({"quick": quick})
    read = world.schedule.due

    async def read_all_but_one(shard: str, until: int, limit: int, after: DueEntry | None = None) -> object:
        if shard == "0":
            raise Unavailable("dynamodb", "The page cannot be read.", "Wait.", concerns="item")
        return await read(shard, until, limit, after)

    monkeypatch.setattr(world.schedule, "due", read_all_but_one)
    host = world.start()
    await asyncio.sleep(HOUR)
    await world.stop()
    assert {event.shard for event in host.seen(ShardSwept)} == {*ALL_SHARDS} - {"0"}


@story
async def test_who_sees_no_shard_to_its_end_leaves_all_of_them_to_one_who_does() -> None:
    """It took one after the other, and counted as a holder, so that the other kept to half of them and one."""
    world = World({"quick": quick})
    blind, other = leases_of(world, "blind"), leases_of(world, "other")
    for number, shard in enumerate(ALL_SHARDS):
        world.schedule.leases[shard] = SweepLease(shard, "dead", world.clock.now() + 40_000 * number)
    for _ in range(40):
        await asyncio.sleep(30)
        await blind.look()
        for shard in blind.shards:
            blind.note_unfinished(shard)
        await other.look()
        for shard in other.shards:
            await other.renew(shard)
    assert held_by(world, "other") == [*ALL_SHARDS]


@story
async def test_what_one_keeps_without_sweeping_it_is_swept_by_another_within_five_minutes() -> None:
    world = World({"quick": quick})
    blind, able = leases_of(world, "blind", 0.0, live=2), leases_of(world, "able", 1.0, live=2)
    swept = dict.fromkeys(ALL_SHARDS, world.clock.now())
    for _ in range(200):
        await asyncio.sleep(30)
        await blind.look()
        list(map(blind.note_unfinished, blind.shards))
        await able.look()
        await asyncio.gather(*map(able.renew, able.shards))
        swept |= dict.fromkeys(able.shards, world.clock.now())
        assert world.clock.now() - min(swept.values()) <= 300_000, "three shards were the other's, a share is five"


@story
async def test_what_somebody_alive_does_not_sweep_is_taken_beyond_a_share() -> None:
    """A daemon with no right to the index is as alive as the others, by the registry, and sweeps nothing."""
    world = World({"quick": quick})
    leases = leases_of(world, "able", live=3)
    for minutes in range(60):
        await asyncio.sleep(MINUTE)
        await leases.look()
        for shard in leases.shards:
            await leases.renew(shard)
        assert leases.shards == ALL_SHARDS or minutes < 3


@story
async def test_who_could_not_finish_and_is_alone_takes_the_shards_again() -> None:
    world = World({"quick": quick})
    leases = leases_of(world, "a")
    await leases.look()
    leases.note_unfinished("3")
    await asyncio.sleep((LEASE_MS + FOLLOW_MS) / 1000 - 1)
    await leases.look()
    assert leases.shards == ()
    await asyncio.sleep(MINUTE)
    await leases.look()
    assert leases.shards == ALL_SHARDS


@story
async def test_two_who_sweep_one_shard_do_no_harm() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    world.start("w1")
    jobs = [await world.submit("work", delay_seconds=1000 + number) for number in range(30)]
    await asyncio.sleep(20)
    one, other = world.office.sweeper, world.hosts["w1"].sweeper
    for sweeper in (one, other):
        world.schedule.leases.clear()
        await sweeper.sweep()
    await asyncio.gather(*(sweeper.sweep() for sweeper in (one, other) for _ in range(10)))
    await asyncio.sleep(200)
    await asyncio.gather(one.sweep(), other.sweep())
    for job_id in jobs:
        assert (await world.until(job_id)).status is Status.SUCCEEDED
    await world.until_empty()
    await world.stop()
    assert len(world.seen(JobStarted)) == len(jobs)


@story
async def test_of_two_sweepers_that_hand_over_one_job_at_once_both_send_and_it_starts_once() -> None:
    book = Notebook()
    world = World({"work": worker_of(book, 1)})
    job_id = await world.submit("work", delay_seconds=1000)
    await asyncio.sleep(HOUR)
    one, other = world.office.sweeper, world.office.sweeper
    await one._leases.look()
    world.schedule.leases.clear()
    await other._leases.look()
    await asyncio.gather(one.sweep(), other.sweep())
    assert [event.job.job_id for event in world.seen(JobHandedOver)] == [job_id] * 2
    assert len(world.queue.bodies) == 2
    world.start()
    await world.until(job_id)
    await world.until_empty()
    await world.stop()
    assert len(book.starts_of(job_id)) == 1
