"""A client lists and counts jobs, whichever way it goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cqworker.client import FailureSummary, JobSummary, NotProvisioned, SubmissionRefused
from cqworker.model.status import Status
from cqworker.ports.listing import JobIndex
from tests.client.shop import Shop
from tests.jobs.lists import MINUTE
from tests.web.house import CLOCK
from tests.web.test_lists import failed, fill


async def ids(shop: Shop, **asked: Any) -> list[str]:
    return [job.job_id async for job in shop.client.list(**asked)]


async def test_a_list_is_read_page_after_page(shop: Shop) -> None:
    fill(shop.house, *(failed(number) for number in range(450)))
    assert await ids(shop, status="FAILED") == [f"job-{number:05}" for number in range(450)]
    assert await ids(shop, status=Status.FAILED, type="other") == []


async def test_a_list_shows_each_job_in_short(shop: Shop) -> None:
    fill(shop.house, failed(1, tags=("vip",)))
    [job] = [job async for job in shop.client.list(status="FAILED", tag="vip", tenant="default")]
    assert isinstance(job, JobSummary)
    assert job.failure == FailureSummary("rejected", "no", None, "0a1b2c3d")
    assert (job.status, job.tags, job.worker, job.release) == (Status.FAILED, ("vip",), "w1", "1.0")
    assert job.finished_at is not None
    assert (job.finished_at - job.created_at).total_seconds() == 60


async def test_times_are_datetimes_or_texts(shop: Shop) -> None:
    now = CLOCK.now()
    fill(shop.house, *(failed(number) for number in range(10)))
    since = datetime.fromtimestamp((now - 5.5 * MINUTE) / 1000, UTC)
    until = datetime.fromtimestamp((now - 2.5 * MINUTE) / 1000, UTC)
    expected = [f"job-0000{number}" for number in (3, 4, 5)]
    assert await ids(shop, status="FAILED", since=since, until=until) == expected
    assert await ids(shop, status="FAILED", since=since.isoformat(), until=until.isoformat()) == expected
    assert await shop.client.count(since=since, until=until) == 3
    with pytest.raises(ValueError, match="a time with a zone"):
        await ids(shop, since=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is wrong


async def test_jobs_are_counted(shop: Shop) -> None:
    fill(shop.house, *(failed(number, type=("a", "b")[number % 2]) for number in range(9)))
    assert await shop.client.count() == 9
    assert await shop.client.count(type="a", worker="w1", fingerprint="0a1b2c3d") == 5


async def test_what_cannot_be_listed_is_refused(shop: Shop) -> None:
    with pytest.raises(SubmissionRefused, match="must be one of"):
        await ids(shop, status="BROKEN")
    with pytest.raises(SubmissionRefused, match="can be counted"):
        await shop.client.count(status="QUEUED")
    shop.house.listing.missing |= set(JobIndex)
    with pytest.raises(NotProvisioned, match="cqworker provision"):
        await ids(shop, status="FAILED")


async def test_a_filter_that_there_is_not_is_told(shop: Shop) -> None:
    with pytest.raises(TypeError, match=r"list\(\) has no job_type: it is type="):
        shop.client.list(job_type="a")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"type= must be a text, not 7"):
        await ids(shop, type=7)
