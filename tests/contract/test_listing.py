"""The port JobListing: pages of its indexes in their order, what they leave out, and counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.errors import ListingRefused
from cqworker.model.history import Entry, ending_event
from cqworker.model.listing import Listing
from cqworker.model.operator_writes import Enter, Forestall, NewRound
from cqworker.model.record import JobRecord, shard_of
from cqworker.model.status import Status
from cqworker.model.timestamps import day_of
from cqworker.model.writes import Written
from cqworker.ports import JobStore
from cqworker.ports.listing import IndexEntry, IndexPart, JobIndex, JobListing
from tests.contract.cases import FAILURE, PURGE
from tests.contract.clock import NOW, SetClock
from tests.contract.worlds import World
from tests.jobs.lists import job

MINUTE, DAY = 60_000, 86_400_000
LOOKS = 1200
"""Looks, 50 ms apart, in which an index has to follow its table: those of the tests follow at once, or nearly so."""
LISTING = Listing(kind="rejected", fingerprint="0a1b2c3d", worker="w1", release="1.0")
IDS = [f"job-{number:04}" for number in range(200) if shard_of(f"job-{number:04}") == "3"][:12]
"""Of one shard."""
Both = tuple[JobListing, JobStore]


@pytest.fixture
async def both(world: World, clock: SetClock) -> Both:
    return await world.listing(clock)


async def enter(store: JobStore, records: Sequence[JobRecord]) -> None:
    for record in records:
        assert isinstance(await store.write(Enter(record=record)), Written)


def failed(job_id: str, ended: int, **changed: Any) -> JobRecord:
    said: dict[str, Any] = {"job_id": job_id, "finished_at": ended, "purge_at": PURGE, "failure": FAILURE}
    return replace(job(0), **said | {"listing": LISTING} | changed)


def of_day(at: int, *, first: int = 0, last: int = 2 * NOW, status: Status = Status.FAILED) -> IndexPart:
    return IndexPart(JobIndex.LISTING, f"{status}#{day_of(at)}#3", first, last)


async def settled(look: Callable[[], Any], expected: object) -> None:
    """Waits until an index, which may lag, shows what it has to."""
    for _ in range(LOOKS):
        if await look() == expected:
            return
        await asyncio.sleep(0.05)
    assert await look() == expected


async def entries(listing: JobListing, part: IndexPart, **where: str) -> list[IndexEntry]:
    page = await listing.page(part, 100, None, where)
    assert page is not None
    return list(page.entries)


async def test_what_ended_in_a_day_is_there_the_last_first(both: Both) -> None:
    listing, store = both
    ended = [NOW + 3, NOW + 1, NOW + 2, NOW - 1, NOW + DAY]
    await enter(store, [failed(job_id, at) for job_id, at in zip(IDS, ended, strict=False)])
    inside = [IndexEntry(at, IDS[number]) for number, at in ((0, NOW + 3), (2, NOW + 2), (1, NOW + 1))]
    await settled(lambda: entries(listing, of_day(NOW)), inside)
    await settled(lambda: entries(listing, of_day(NOW - 1)), [IndexEntry(NOW - 1, IDS[3])])
    await settled(lambda: entries(listing, of_day(NOW + DAY)), [IndexEntry(NOW + DAY, IDS[4])])
    assert await entries(listing, of_day(NOW, status=Status.CANCELLED)) == []


async def test_bounds_are_included(both: Both) -> None:
    listing, store = both
    await enter(store, [failed(job_id, NOW + number) for number, job_id in enumerate(IDS[:5])])
    part = of_day(NOW, first=NOW + 1, last=NOW + 3)
    await settled(lambda: entries(listing, part), [IndexEntry(NOW + number, IDS[number]) for number in (3, 2, 1)])


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_pages_go_on_after_each_other(both: Both, limit: int) -> None:
    listing, store = both
    await enter(store, [failed(job_id, NOW + number // 2) for number, job_id in enumerate(IDS)])
    expected = sorted((IndexEntry(NOW + number // 2, job_id) for number, job_id in enumerate(IDS)), reverse=True)
    await settled(lambda: entries(listing, of_day(NOW)), expected)
    found: list[IndexEntry] = []
    after = None
    while True:
        page = await listing.page(of_day(NOW), limit, after)
        assert page is not None
        assert page.looked_at == len(page.entries) <= limit
        found += page.entries
        if (after := page.end) is None:
            break
    assert found == expected


async def test_a_page_goes_on_after_an_entry_that_has_left_the_index(both: Both) -> None:
    listing, store = both
    await enter(store, [failed(job_id, NOW + number) for number, job_id in enumerate(IDS[:3]) if number != 1])
    await settled(lambda: entries(listing, of_day(NOW)), [IndexEntry(NOW + 2, IDS[2]), IndexEntry(NOW, IDS[0])])
    page = await listing.page(of_day(NOW), 10, IndexEntry(NOW + 1, IDS[1]))
    assert page is not None
    assert list(page.entries) == [IndexEntry(NOW, IDS[0])]


WHERE: dict[str, dict[str, Any]] = {
    "type": {"type": "other"},
    "tenant": {"tenant": "other"},
    "queue": {"queue": "other"},
    "kind": {"listing": replace(LISTING, kind="other")},
    "fingerprint": {"listing": replace(LISTING, fingerprint="other")},
    "worker": {"listing": replace(LISTING, worker="other")},
    "release": {"listing": replace(LISTING, release="other")},
}


@pytest.mark.parametrize("name", WHERE)
async def test_an_attribute_has_to_be_as_asked_and_what_was_left_out_was_looked_at(both: Both, name: str) -> None:
    listing, store = both
    await enter(store, [failed(IDS[0], NOW), failed(IDS[1], NOW + 1, **WHERE[name]), failed(IDS[2], NOW + 2)])
    await settled(lambda: entries(listing, of_day(NOW), **{name: "other"}), [IndexEntry(NOW + 1, IDS[1])])
    page = await listing.page(of_day(NOW), 100, None, {name: "other"})
    assert page is not None
    assert page.looked_at == 3
    count = await listing.count(of_day(NOW), None, {name: "other"})
    assert count is not None
    assert (count.number, count.end) == (1, None)


async def test_an_ending_enters_the_index_and_a_new_round_leaves_it(both: Both) -> None:
    listing, store = both
    queued = replace(job(0, Status.QUEUED), job_id=IDS[0], purge_at=PURGE)
    await enter(store, [queued])
    entry = Entry(NOW, ending_event(Status.CANCELLED), 0, "", "why")
    cancel = Forestall(
        seen=queued, status=Status.CANCELLED, now=NOW, purge_at=PURGE, entry=entry, listing=Listing(release="2")
    )
    answer = await store.write(cancel)
    assert isinstance(answer, Written)
    part = of_day(NOW, status=Status.CANCELLED)
    await settled(lambda: entries(listing, part, release="2"), [IndexEntry(NOW, IDS[0])])
    assert isinstance(await store.write(NewRound(seen=answer.record, now=NOW, purge_at=PURGE)), Written)
    await settled(lambda: entries(listing, part), [])


async def test_what_is_due_is_there_the_first_first(both: Both) -> None:
    listing, store = both
    at = {IDS[0]: NOW + 2, IDS[1]: NOW + 1, IDS[2]: NOW + 1, IDS[3]: NOW + 9}
    base = replace(job(0, Status.SCHEDULED), purge_at=PURGE, due="3")
    await enter(store, [replace(base, job_id=job_id, scheduled_at=time) for job_id, time in at.items()])
    part = IndexPart(JobIndex.DUE, "3", 0, NOW + 5)

    async def times() -> list[int]:
        return [entry.at for entry in await entries(listing, part)]

    await settled(times, [NOW + 1, NOW + 1, NOW + 2])
    first = await listing.page(part, 1)
    assert first is not None
    assert first.end is not None
    second = await listing.page(part, 10, first.end)
    assert second is not None
    assert {entry.job_id for entry in (*first.entries, *second.entries)} == set(IDS[:3])


async def test_every_job_of_a_day_is_there_the_last_first(both: Both) -> None:
    listing, store = both
    made = [replace(job(0, status), job_id=job_id, purge_at=PURGE) for job_id, status in zip(IDS, Status, strict=False)]
    await enter(store, [replace(record, created_at=NOW + number) for number, record in enumerate(made)])
    part = IndexPart(JobIndex.DAY, f"{day_of(NOW)}#3", NOW, NOW + 6)
    await settled(lambda: entries(listing, part), [IndexEntry(NOW + n, IDS[n]) for n in range(6, -1, -1)])


@pytest.mark.parametrize("index", JobIndex)
async def test_without_its_index_the_answer_is_none(world: World, clock: SetClock, index: JobIndex) -> None:
    listing, _ = await world.listing(clock, index)
    for other in JobIndex:
        part = IndexPart(other, "FAILED#2026-01-01#3", NOW, NOW + 5)
        assert (await listing.page(part, 1) is None) is (other is index)
        assert (await listing.count(part) is None) is (other is index)


async def test_a_position_that_no_entry_can_have_is_refused_or_reads_what_the_part_has(both: Both) -> None:
    listing, store = both
    await enter(store, [failed(IDS[0], NOW + 1)])
    await settled(lambda: entries(listing, of_day(NOW)), [IndexEntry(NOW + 1, IDS[0])])
    part = of_day(NOW, first=NOW, last=NOW + 2)
    for strange in (IndexEntry(NOW + DAY, "x"), IndexEntry(0, "x"), IndexEntry(NOW + 1, "é" * 40)):
        try:
            page = await listing.page(part, 10, strange)
        except ListingRefused:
            continue
        assert page is not None
        assert set(page.entries) <= {IndexEntry(NOW + 1, IDS[0])}
