"""Stories of unique jobs: who gets which job, whatever becomes of it, and of those who took its key."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cqworker import DuplicateJob, NotAllowedNow, SubmissionRefused, Unique, handler
from cqworker.client import JobView, Status
from cqworker.testing import World, in_virtual_time

ORDER = {"order_id": 7, "note": "first"}
AGAIN = {"order_id": 7, "note": "second"}
BY_ORDER = Unique(["order_id"])


@handler(max_attempts=1)
async def slow(payload: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(60)
    return payload


@handler(max_attempts=1)
async def failing(payload: dict[str, Any]) -> None:
    raise ValueError(payload["note"])


def world_of(workers: int = 1) -> World:
    return World({"acme.ship": slow, "acme.fail": failing}, workers=workers)


async def ship(world: World, payload: dict[str, Any] = ORDER, **more: Any) -> JobView:
    return await world.submit("acme.ship", payload, **{"unique": BY_ORDER, **more})


@in_virtual_time
async def test_a_second_submission_is_given_the_job_that_is_there_and_makes_none() -> None:
    async with world_of() as world:
        first = await ship(world)
        second = await ship(world, AGAIN)
        assert (second.job_id, second.unique, second.payload) == (first.job_id, True, ORDER)
        assert first.unique is None
        await world.wait(first.job_id)
        assert list(world.jobs) == [first.job_id]


@in_virtual_time
async def test_what_it_is_unique_by_parts_jobs_and_so_do_type_and_tenant() -> None:
    async with world_of(workers=0) as world:
        jobs = [
            await ship(world),
            await ship(world, {"order_id": 8, "note": "first"}),
            await ship(world, tenant="other"),
            await world.submit("acme.fail", ORDER, unique=BY_ORDER),
            await ship(world, unique=Unique()),
            await ship(world, unique=Unique("order 7")),
        ]
        assert len({job.job_id for job in jobs}) == 6


@in_virtual_time
async def test_once_it_has_finished_the_next_one_is_made() -> None:
    async with world_of() as world:
        first = await ship(world)
        await world.wait(first.job_id)
        second = await ship(world, AGAIN)
        assert second.job_id != first.job_id
        assert (await world.wait(second.job_id)).result == AGAIN


@in_virtual_time
async def test_until_started_a_job_that_runs_lets_another_one_be_made() -> None:
    async with world_of() as world:
        first = await ship(world, unique=Unique(["order_id"], scope="until_started"))
        await world.advance(1)
        second = await ship(world, AGAIN, unique=Unique(["order_id"], scope="until_started"))
        assert second.job_id != first.job_id


@in_virtual_time
async def test_a_window_outlasts_its_job_and_ends_whatever_becomes_of_it() -> None:
    async with world_of() as world:
        window = Unique(["order_id"], window=timedelta(hours=1))
        first = await ship(world, unique=window)
        await world.advance(timedelta(minutes=59))
        assert world.jobs[first.job_id].status is Status.SUCCEEDED
        assert (await ship(world, unique=window)).job_id == first.job_id
        await world.advance(timedelta(minutes=2))
        assert (await ship(world, unique=window)).job_id != first.job_id


@in_virtual_time
async def test_a_window_that_would_outlast_the_record_of_its_job_is_refused_in_words() -> None:
    async with world_of(workers=0) as world:
        with pytest.raises(SubmissionRefused, match="outlasts the record of its job, kept for 30 days: ask"):
            await ship(world, unique=Unique(["order_id"], window=timedelta(days=31)))
        assert world.jobs == {}
        await ship(world, unique=Unique(["order_id"], window=timedelta(days=30)))


@in_virtual_time
async def test_who_asks_to_be_rejected_is_told_which_job_has_the_key() -> None:
    async with world_of() as world:
        first = await ship(world)
        with pytest.raises(DuplicateJob, match="has this unique key") as refused:
            await ship(world, AGAIN, on_duplicate="reject")
        assert refused.value.job_id == first.job_id
        await world.wait(first.job_id)
        assert (await ship(world, AGAIN, on_duplicate="reject")).job_id != first.job_id


@in_virtual_time
async def test_a_hundred_at_once_make_one_job_and_send_one_message() -> None:
    async with world_of(workers=0) as world:
        jobs = await asyncio.gather(*(ship(world) for _ in range(100)))
        assert len({job.job_id for job in jobs}) == 1
        assert sum(job.unique is None for job in jobs) == 1
        assert len(world.messages["jobs"]) == 1


@in_virtual_time
async def test_a_payload_without_the_field_is_refused_in_words() -> None:
    async with world_of() as world:
        with pytest.raises(SubmissionRefused, match="the payload has no field oder_id; name fields that every job has"):
            await ship(world, unique=Unique(["oder_id"]))
        assert world.jobs == {}


@in_virtual_time
async def test_a_unique_job_for_later_is_found_before_it_is_due() -> None:
    async with world_of() as world:
        first = await ship(world, delay=timedelta(days=3))
        assert (await ship(world, AGAIN)).job_id == first.job_id
        await world.advance(timedelta(days=3, minutes=2))
        assert world.jobs[first.job_id].status is Status.SUCCEEDED


@in_virtual_time
async def test_a_cancelled_job_gives_its_key_away_and_cannot_have_it_back_from_a_live_one() -> None:
    async with world_of(workers=0) as world:
        first = await ship(world)
        await world.operator.cancel(first.job_id)
        second = await ship(world, AGAIN)
        assert second.job_id != first.job_id
        with pytest.raises(NotAllowedNow, match=f"job {second.job_id} has it now: wait for its end, or cancel it"):
            await world.operator.retry(first.job_id)
        await world.operator.cancel(second.job_id)
        assert (await world.operator.retry(first.job_id)).status is Status.QUEUED
        assert (await ship(world)).job_id == first.job_id


@in_virtual_time
async def test_a_retry_and_a_submission_at_once_leave_one_job_alive() -> None:
    async with world_of(workers=0) as world:
        first = await ship(world)
        await world.operator.cancel(first.job_id)
        for _ in range(5):
            await asyncio.gather(world.operator.retry(first.job_id), ship(world, AGAIN), return_exceptions=True)
            alive = [job.job_id for job in world.jobs.values() if job.status is Status.QUEUED]
            assert len(alive) == 1
            await world.operator.cancel(alive[0])


@in_virtual_time
async def test_a_repeated_request_is_given_the_job_that_the_first_one_met_even_after_that_has_ended() -> None:
    async with world_of() as world:
        first = await ship(world)
        met = await ship(world, AGAIN, key="request-2")
        await world.wait(first.job_id)
        again = await ship(world, AGAIN, key="request-2")
        assert met.job_id == again.job_id == first.job_id
        assert list(world.jobs) == [first.job_id]


@in_virtual_time
async def test_the_record_that_is_purged_binds_no_key() -> None:
    async with world_of() as world:
        first = await ship(world)
        await world.wait(first.job_id)
        await world.stop()
        await world.advance(timedelta(days=31))
        second = await ship(world)
        assert second.job_id != first.job_id
        assert second.unique is None


@in_virtual_time
async def test_the_key_of_a_job_that_is_put_off_for_months_is_kept_by_who_meets_it() -> None:
    async with world_of(workers=0) as world:
        first = await ship(world, delay=timedelta(days=1))
        await world.operator.reschedule(first.job_id, world.now + timedelta(days=200))
        assert (await ship(world)).job_id == first.job_id
        await world.advance(timedelta(days=150))
        assert (await ship(world)).job_id == first.job_id


@handler(unique=BY_ORDER)
async def pack(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


@in_virtual_time
async def test_an_author_says_it_for_every_job_of_the_type_and_a_submission_something_else() -> None:
    async with World({"acme.pack": pack}, workers=0) as world:
        first = await world.submit("acme.pack", ORDER)
        assert (await world.submit("acme.pack", AGAIN)).job_id == first.job_id
        assert (await world.submit("acme.pack", AGAIN, unique=Unique())).job_id != first.job_id
        with pytest.raises(SubmissionRefused, match="the payload has no field order_id"):
            await world.submit("acme.pack", {"note": "none"})


def test_an_author_who_gives_something_else_is_told_what_to_write() -> None:
    with pytest.raises(TypeError, match=r'unique takes a cqworker.Unique, such as Unique\(\["order_id"\]\)'):
        handler(unique=["order_id"])  # type: ignore[call-overload]


def test_what_makes_no_key_is_refused_where_it_is_written() -> None:
    nonsense: list[tuple[dict[str, Any], str]] = [
        ({"by": []}, "by takes 1 to 16 names"),
        ({"by": ""}, "by takes 1 to 16 names"),
        ({"by": ["x" * 129]}, "by takes 1 to 16 names"),
        ({"scope": "always"}, "scope takes until_finished, until_started, window"),
        ({"scope": "window"}, "goes with window=seconds"),
        ({"scope": "until_started", "window": 5}, "goes with window=seconds"),
        ({"window": 0}, "goes with window=seconds"),
        ({"window": timedelta(days=367)}, "goes with window=seconds"),
    ]
    for given, said in nonsense:
        with pytest.raises(ValueError, match=said):
            Unique(**given)
    with pytest.raises(TypeError, match="by takes names of payload fields or a text"):
        Unique(7)  # type: ignore[arg-type]
