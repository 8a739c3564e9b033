"""Lists of jobs: in order, whole, within bounds, and only what the caller may see."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.errors import ListingRefused, NotProvisioned
from cqworker.jobs.list_ask import list_ask_from
from cqworker.jobs.list_page import MAX_LOOKED, MAX_READ, MAX_ROUNDS
from cqworker.model.record import Failure, shard_of
from cqworker.model.status import FailureKind, Status
from cqworker.model.timestamps import rfc3339
from cqworker.ports.listing import IndexEntry, JobIndex
from tests.contract.clock import NOW
from tests.jobs.lists import DAY, HOUR, MINUTE, Lists, job

FAILED = "FAILED"


async def test_what_failed_is_listed_the_newest_first_and_nothing_else() -> None:
    others = [job(number, status) for number, status in enumerate(Status) if status is not Status.FAILED]
    lists = Lists([*others, *(job(number) for number in (30, 10, 20))])
    [page] = await lists.pages(status=FAILED)
    assert [each.job_id for each in page.jobs] == ["job-00010", "job-00020", "job-00030"]
    assert page.looked_at == 3
    assert page.looked_back_to <= NOW - 30 * DAY


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
async def test_the_pages_of_a_list_are_the_whole_list_in_order(limit: int) -> None:
    lists = Lists([job(number) for number in range(0, 3_000, 17)])
    ids = [record.job_id for record in sorted(lists.store.records.values(), key=lambda each: each.job_id)]
    pages = await lists.pages(status=FAILED, limit=str(limit))
    assert [record.job_id for page in pages for record in page.jobs] == ids
    assert max(len(page.jobs) for page in pages) == min(limit, len(ids))
    reached = [page.looked_back_to for page in pages]
    assert reached == sorted(reached, reverse=True)


async def test_a_page_of_many_is_full_and_reads_little_more_than_it_shows() -> None:
    lists = Lists()
    lists.store.records = {f"job-{n}": replace(job(n // 4), job_id=f"job-{n}") for n in range(4_000)}
    page = await lists.page(status=FAILED, limit="100")
    assert len(page.jobs) == 100
    assert page.looked_at <= 400


async def test_days_follow_each_other_over_the_end_of_a_month_and_a_year() -> None:
    lists = Lists([job(number * 24 * 60) for number in range(25)])
    assert len({rfc3339(NOW - number * DAY)[:7] for number in range(25)}) >= 2
    assert await lists.ids(status=FAILED, limit="2") == [f"job-{number * 1440:05}" for number in range(25)]


async def test_from_is_included_and_to_is_not() -> None:
    lists = Lists([job(number) for number in range(10)])
    times = {"from_": rfc3339(NOW - 7 * MINUTE), "to": rfc3339(NOW - 3 * MINUTE)}
    assert await lists.ids(status=FAILED, **times) == [f"job-0000{number}" for number in (4, 5, 6, 7)]
    assert await lists.count(status=FAILED, **times) == 4


async def test_a_day_is_all_of_it() -> None:
    lists = Lists([job(number * 60) for number in range(100)])
    day = rfc3339(NOW - DAY)[:10]
    tomorrow = rfc3339(NOW)[:10]
    found = await lists.ids(status=FAILED, from_=day, to=tomorrow)
    assert len(found) == 24
    assert all(rfc3339(lists.store.records[job_id].finished_at or 0).startswith(day) for job_id in found)


OTHER = Failure(FailureKind.REJECTED, "no", fingerprint="ffffffff")
DIFFERENT: dict[str, dict[str, Any]] = {
    "type": {"type": "orders.refund"},
    "queue": {"queue": "other"},
    "tenant": {"tenant": "acme"},
    "tag": {"tags": ("vip", "blue")},
    "worker": {"listing": replace(job(1).listing, worker="w2")},  # type: ignore[type-var]
    "release": {"listing": replace(job(1).listing, release="2.0")},  # type: ignore[type-var]
    "fingerprint": {"listing": replace(job(1).listing, fingerprint="ffffffff"), "failure": OTHER},  # type: ignore[type-var]
}
ASKED = {
    "type": "orders.refund",
    "queue": "other",
    "tenant": "acme",
    "tag": "vip",
    "worker": "w2",
    "release": "2.0",
    "fingerprint": "ffffffff",
}


@pytest.mark.parametrize("name", ASKED)
async def test_a_filter_finds_exactly_its_jobs(name: str) -> None:
    lists = Lists([job(number, **(DIFFERENT[name] if number % 10 == 3 else {})) for number in range(100)])
    expected = [f"job-000{number:02}" for number in range(3, 100, 10)]
    assert await lists.ids(status=FAILED, limit="4", **{name: ASKED[name]}) == expected
    if name != "tag":
        assert await lists.count(status=FAILED, **{name: ASKED[name]}) == 10


@pytest.mark.parametrize("name", ASKED)
async def test_a_filter_that_matches_nothing_ends_with_nothing(name: str) -> None:
    lists = Lists([job(number) for number in range(100)])
    assert await lists.ids(status=FAILED, **{name: ASKED[name]}) == []


async def test_a_filter_that_matches_little_among_very_many_is_answered_early_and_says_how_far_it_looked() -> None:
    lists = Lists()
    lists.store.records = {f"job-{n}": replace(job(n // 20), job_id=f"job-{n}") for n in range(10_000)}
    lists.store.records["rare"] = replace(job(999), job_id="rare", type="rare")
    pages = await lists.pages(status=FAILED, type="rare")
    assert [record.job_id for page in pages for record in page.jobs] == ["rare"]
    assert 2 <= len(pages) <= 3
    assert pages[0].looked_at <= MAX_LOOKED + 8_000
    assert pages[0].looked_back_to > pages[1].looked_back_to


async def test_a_tag_that_is_rare_reads_a_bounded_number_of_records() -> None:
    lists = Lists([job(number, tags=("rare",) if number == 1_900 else ()) for number in range(2_000)])
    pages = await lists.pages(status=FAILED, tag="rare")
    assert [record.job_id for page in pages for record in page.jobs] == ["job-01900"]
    assert all(page.looked_at <= MAX_READ + 800 for page in pages)
    assert len(pages) > 3


async def test_an_empty_month_costs_a_bounded_number_of_queries() -> None:
    lists = Lists()
    [page] = await lists.pages(status=FAILED)
    assert (list(page.jobs), page.looked_at) == ([], 0)
    assert lists.index.queries <= 8 * MAX_ROUNDS


async def test_a_page_that_takes_long_is_answered_with_what_it_has() -> None:
    lists = Lists([job(number * 60) for number in range(600)])
    ticks = itertools.count()
    lists.clock.monotonic = lambda: next(ticks) / 10  # type: ignore[method-assign]
    page = await lists.page(status=FAILED, limit="200")
    assert page.next is not None
    assert len(page.jobs) < 200
    assert len(await lists.ids(status=FAILED, limit="200")) == 600


@pytest.mark.parametrize("asked", [{}, {"type": "orders.charge"}, {"tag": "rare"}])
async def test_a_list_goes_on_however_slow_the_table_is(asked: dict[str, str]) -> None:
    lists = Lists([job(number * 60, tags=("rare",)) for number in range(30)])
    ticks = itertools.count()
    lists.clock.monotonic = lambda: next(ticks) * 100.0  # type: ignore[method-assign]
    assert len(await lists.ids(status=FAILED, **asked)) == 30
    assert await lists.count(status=FAILED) == 30


async def test_a_job_that_was_retried_since_is_not_shown() -> None:
    lists = Lists([job(1), job(2, Status.QUEUED), job(3)])
    gone = job(2)
    assert gone.finished_at is not None
    lists.index.stale = {f"FAILED#{rfc3339(gone.finished_at)[:10]}#0": [IndexEntry(gone.finished_at, "job-00002")]}
    assert await lists.ids(status=FAILED) == ["job-00001", "job-00003"]


async def test_a_job_that_failed_again_is_shown_once_at_its_last_failure() -> None:
    lists = Lists([job(1), job(3)])
    lists.index.stale = stale_entry("job-00001", NOW - HOUR)
    assert await lists.ids(status=FAILED) == ["job-00001", "job-00003"]


async def test_an_old_workers_retry_that_left_the_listing_attributes_hides_the_job() -> None:
    lists = Lists([replace(job(1), status=Status.RUNNING, finished_at=None), job(3)])
    lists.index.stale = stale_entry("job-00001", NOW - MINUTE)
    assert await lists.ids(status=FAILED) == ["job-00003"]


async def test_a_record_that_is_gone_is_not_shown() -> None:
    lists = Lists([job(3)])
    lists.index.stale = stale_entry("job-00001", NOW - MINUTE)
    assert await lists.ids(status=FAILED) == ["job-00003"]


def stale_entry(job_id: str, at: int) -> dict[str, list[IndexEntry]]:
    return {f"FAILED#{rfc3339(at)[:10]}#{shard_of(job_id)}": [IndexEntry(at, job_id)]}


async def test_what_is_scheduled_is_listed_in_the_order_in_which_it_is_due() -> None:
    parked = job(2, Status.RETRYING, scheduled_at=NOW + 2 * HOUR, due="1")
    lists = Lists([*(job(number, Status.SCHEDULED) for number in (5, 3, 4, 100)), parked, job(9)])
    pages = await lists.pages(status="SCHEDULED", limit="2")
    ids = [record.job_id for page in pages for record in page.jobs]
    assert ids == ["job-00003", "job-00004", "job-00005", "job-00100"]
    assert [page.looked_back_to for page in pages[:-1]] == sorted(page.looked_back_to for page in pages[:-1])
    soon = {"from_": rfc3339(NOW + 5 * HOUR), "to": rfc3339(NOW + 7 * HOUR)}
    assert await lists.ids(status="SCHEDULED", **soon) == ["job-00004", "job-00005"]


async def test_a_million_due_at_the_same_time_are_paged_through() -> None:
    lists = Lists()
    made = [job(n, Status.SCHEDULED, scheduled_at=NOW + HOUR) for n in range(1_500)]
    lists.store.records = {record.job_id: record for record in made}
    assert len(set(await lists.ids(status="SCHEDULED", limit="200"))) == 1_500


async def test_with_the_index_of_all_jobs_every_status_is_listed_by_its_submission() -> None:
    records = [job(number, status) for number, status in enumerate(Status)]
    lists = Lists(records)
    assert await lists.ids(limit="3") == [record.job_id for record in records]
    assert await lists.ids(status="succeeded") == ["job-00005"]
    assert await lists.ids(worker="w1", type="orders.charge", limit="200") == [record.job_id for record in records]


@pytest.mark.parametrize(
    ("index", "asked", "said"),
    [
        (JobIndex.LISTING, {"status": FAILED}, "cqworker provision"),
        (JobIndex.DUE, {"status": "SCHEDULED"}, "cqworker provision"),
        (JobIndex.DAY, {"status": "QUEUED"}, "list_all = true"),
        (JobIndex.DAY, {}, "status FAILED, those that run, and what is SCHEDULED"),
        (JobIndex.DAY, {"status": "CANCELLED"}, "list_all = true"),
    ],
)
async def test_without_its_index_a_list_is_refused_with_the_cure(
    index: JobIndex, asked: dict[str, str], said: str
) -> None:
    lists = Lists([job(1)])
    lists.index.missing.add(index)
    with pytest.raises(NotProvisioned, match=said):
        await lists.page(**asked)


async def test_cancelled_jobs_are_listed_by_the_listing_index_where_the_setting_says_so() -> None:
    lists = Lists([job(1, Status.CANCELLED, listing=job(1).listing), job(2)], listed=(Status.FAILED, Status.CANCELLED))
    lists.index.missing.add(JobIndex.DAY)
    assert await lists.ids(status="CANCELLED") == ["job-00001"]
    assert await lists.count(status="CANCELLED") == 1


async def test_a_tenant_sees_its_own_jobs_alone() -> None:
    lists = Lists([job(number, tenant=("acme", "blue")[number % 2]) for number in range(10)])
    own = [f"job-0000{number}" for number in range(0, 10, 2)]
    assert await lists.ids("acme", status=FAILED) == await lists.ids("acme", status=FAILED, tenant="acme") == own
    assert await lists.count("acme", status=FAILED) == 5
    assert await lists.count(status=FAILED) == 10


async def test_a_tenant_that_asks_for_anothers_jobs_is_refused() -> None:
    lists = Lists([job(1, tenant="blue")])
    with pytest.raises(ListingRefused, match='tenant "acme"'):
        await lists.page("acme", status=FAILED, tenant="blue")
    with pytest.raises(ListingRefused, match='tenant "acme"'):
        await lists.lists.count(list_ask_from({"status": FAILED, "tenant": "blue"}), "acme")


async def test_a_count_of_very_many_goes_on_where_it_stopped() -> None:
    lists = Lists()
    lists.store.records = {f"job-{n}": replace(job(n // 20), job_id=f"job-{n}") for n in range(9_000)}
    ticks = itertools.count()
    lists.clock.monotonic = lambda: next(ticks) * 1.5  # type: ignore[method-assign]
    first = await lists.lists.count(list_ask_from({"status": FAILED}), None)
    assert 0 < first.count < 9_000
    assert first.next is not None
    assert await lists.count(status=FAILED) == 9_000


@pytest.mark.parametrize("wrong", [{}, {"status": "QUEUED"}, {"status": FAILED, "tag": "vip"}])
async def test_what_cannot_be_counted_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ListingRefused, match="counted"):
        await Lists().lists.count(list_ask_from(wrong), None)
