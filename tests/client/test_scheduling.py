"""When a job starts, asked for from Python: over HTTP and straight to the services, in the same words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cqworker.client import NewJob, NotAllowedNow, NotProvisioned, Status, SubmissionRefused
from cqworker.testing.memory_schedule import MemorySchedule
from tests.client.shop import TEXT, TYPE, Shop

IN_A_WEEK = (datetime.now(UTC) + timedelta(days=7)).replace(microsecond=0)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati"])
async def test_a_time_of_any_zone_is_the_moment_that_it_is(shop: Shop, zone: str) -> None:
    job = await shop.client.submit(TYPE, TEXT, run_at=IN_A_WEEK.astimezone(ZoneInfo(zone)))
    assert (job.status, job.scheduled_at) == (Status.SCHEDULED, IN_A_WEEK)


async def test_a_job_that_waits_is_given_another_time_and_run_now(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT, delay=timedelta(days=3))
    job = await shop.client.reschedule(job.job_id, run_at=IN_A_WEEK, reason="the shop asked")
    assert (job.status, job.scheduled_at) == (Status.SCHEDULED, IN_A_WEEK)
    assert (job.history[-1].reason or "").endswith("by the local operator: the shop asked")
    job = await shop.client.reschedule(job.job_id, delay=timedelta(hours=2))
    assert job.scheduled_at is not None
    assert job.scheduled_at < IN_A_WEEK
    job = await shop.client.run_now(job.job_id)
    assert (job.status, len(shop.house.queue.bodies)) == (Status.QUEUED, 1)


async def test_a_job_that_is_final_is_given_no_other_time(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    shop.house.rewrite(job.job_id, Status.SUCCEEDED)
    for ask in (shop.client.reschedule(job.job_id, delay=5), shop.client.run_now(job.job_id)):
        with pytest.raises(NotAllowedNow, match="is SUCCEEDED; only a job that waits can be given another time"):
            await ask


async def test_without_the_index_the_command_is_named_that_adds_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: object) -> bool:
        return False

    job = await shop.client.submit(TYPE, TEXT)
    monkeypatch.setattr(MemorySchedule, "is_ready", never)
    asks = (
        shop.client.submit(TYPE, TEXT, run_at=IN_A_WEEK),
        shop.client.reschedule(job.job_id, delay=5),
        shop.client.run_now(job.job_id),
    )
    for ask in asks:
        with pytest.raises(NotProvisioned, match="cqworker provision"):
            await ask


NAIVE = datetime(2026, 12, 3, 9)  # noqa: DTZ001 - that is what is refused
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"run_at": NAIVE}, "run_at has no time zone, so that nobody knows when 2026-12-03 09:00:00 is"),
    ({"run_at": "2026-12-03T09:00Z"}, "not a str: write datetime.fromisoformat(…)"),
    ({"run_at": timedelta(days=3)}, "not a timedelta: delay takes what is from now on"),
    ({"run_at": datetime(9999, 12, 31, tzinfo=UTC)}, "366 days"),
    ({"run_at": IN_A_WEEK, "delay": 5}, "give one of them"),
    ({"delay": timedelta(days=367)}, "/delay_seconds: at most 31622400"),
    ({"delay": -1}, "/delay_seconds"),
    ({"delay": float("nan")}, "JSON"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED)
async def test_a_time_that_cannot_be_is_refused_with_what_to_write(
    shop: Shop, options: dict[str, Any], told: str
) -> None:
    waiting = await shop.client.submit(TYPE, TEXT, run_at=IN_A_WEEK)
    for ask in (shop.client.submit(TYPE, TEXT, **options), shop.client.reschedule(waiting.job_id, **options)):
        with pytest.raises(SubmissionRefused) as caught:
            await ask
        assert type(caught.value) is SubmissionRefused
        assert told in str(caught.value)
    [answer] = await shop.client.submit_many([NewJob(TYPE, TEXT, **options)])
    assert isinstance(answer, SubmissionRefused)
    assert (await shop.client.get(waiting.job_id)).scheduled_at == IN_A_WEEK


async def test_a_job_is_given_one_time_and_not_none(shop: Shop) -> None:
    with pytest.raises(SubmissionRefused, match=r"run_at, a datetime with a time zone, or delay, .*: give one of them"):
        await shop.client.reschedule("x")
    with pytest.raises(TypeError, match=r"reschedule\(\) has no eta: it is run_at="):
        await shop.client.reschedule("x", eta=IN_A_WEEK)  # type: ignore[call-arg]
