"""One act on many jobs: each job once, whatever dies, changes or is asked for at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.errors import JobNotFound, ListingRefused, NotAllowedNow, NotProvisioned
from cqworker.events.operation_events import OperationAsked
from cqworker.jobs.operation_source import Source
from cqworker.model.operations import OPERATION_TYPE, Refusal, Tally, tally_of
from cqworker.model.operator_writes import NewRound
from cqworker.model.record import Progress
from cqworker.model.status import Status
from cqworker.plugins.job import MAX_NOTE
from cqworker.ports.listing import JobIndex
from cqworker.worker.assembly import context_of
from cqworker.worker.operations import open_target_lists
from tests.flow.faults import late
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.operation_world import OperationWorld, wish
from tests.flow.world import story


def world_of(**more: Any) -> OperationWorld:
    return OperationWorld({"work": quick}, **more)


@story
async def test_every_failed_job_is_retried_once_and_its_history_says_by_whom_and_why() -> None:
    world = world_of()
    jobs = world.put(120)
    world.start()
    name = await world.ask(reason="bucket was missing")
    assert (await world.until(name)).status is Status.SUCCEEDED
    for job in jobs:
        await world.until(job.job_id, Status.SUCCEEDED)
    assert world.rounds(jobs) == {2}
    tally = world.tally(name)
    assert (tally.matched, tally.done, tally.skipped, tally.refused) == (120, 120, 0, {})
    retried = [entry for entry in world.record("job-00007").history if entry.event == "retried"]
    assert [entry.reason for entry in retried] == ["by alice: bucket was missing"]
    [asked] = world.seen(OperationAsked)
    assert (asked.operation, asked.act, asked.by, asked.filter) == (name, "retry", "alice", {"status": "FAILED"})
    await world.stop()


@story
async def test_what_failed_after_the_operation_was_asked_for_is_left_alone() -> None:
    world = world_of()
    [before] = world.put(1)
    name = await world.ask()
    await asyncio.sleep(2)
    later = replace(before, job_id="later", finished_at=world.clock.now())
    world.store.records["later"] = later
    world.start()
    await world.until(name)
    assert world.record("later") == later
    assert world.record(before.job_id).round == 2
    await world.stop()


@story
async def test_a_job_that_fails_again_is_not_retried_again() -> None:
    book = Notebook()
    world = OperationWorld({"work": worker_of(book, 1, timeout=0.5, max_attempts=1)})
    jobs = world.put(10)
    world.start()
    name = await world.ask(rate=1)
    await world.until(name)
    for job in jobs:
        await world.until(job.job_id, Status.FAILED)
    assert world.rounds(jobs) == {2}
    assert len(book.starts) == 10
    await world.stop()


@story
async def test_a_filter_that_matches_nothing_ends_at_once() -> None:
    world = world_of()
    jobs = world.put(3)
    world.start()
    name = await world.ask(filter={"status": "FAILED", "type": "other"})
    assert (await world.until(name)).status is Status.SUCCEEDED
    assert world.rounds(jobs) == {1}
    assert (world.tally(name).matched, world.tally(name).done) == (0, 0)
    await world.stop()


@story
async def test_the_filter_chooses_and_a_tenants_operation_touches_its_own_jobs_alone() -> None:
    world = world_of()
    mine = world.put(5, tenant="acme", type="work")
    theirs = [replace(job, job_id=f"theirs-{job.job_id}", tenant="blue") for job in mine]
    world.store.records |= {job.job_id: job for job in theirs}
    world.start()
    name = await world.ask(tenant="acme", filter={"type": "work"})
    await world.until(name)
    assert (world.rounds(mine), world.rounds(theirs)) == ({2}, {1})
    assert world.record(name).tenant == "acme"
    named = await world.ask(tenant="acme", job_ids=(theirs[0].job_id,), filter={})
    await world.until(named)
    assert world.rounds(theirs) == {1}
    assert world.tally(named).refused == {Refusal.GONE: 1}
    with pytest.raises(JobNotFound):
        await world.actions.show(name, "blue")
    with pytest.raises(ListingRefused, match="Only jobs of the tenant"):
        await world.ask(tenant="acme", filter={"tenant": "blue"})
    await world.stop()


@story
async def test_what_waits_or_runs_is_cancelled_by_name_and_the_rest_is_refused_with_why() -> None:
    book = Notebook()
    world = OperationWorld({"work": worker_of(book, 100), "quick": quick})
    world.start()
    running = await world.submit("work")
    await world.until(running, Status.RUNNING)
    waiting = await world.submit("work", delay_seconds=600)
    done = await world.submit("quick")
    await world.until(done)
    [over] = world.put(1)
    gone = await world.ask(filter={"type": "none"})
    await world.until(gone)
    names = (running, waiting, done, over.job_id, "nobody", gone)
    name = await world.ask("cancel", job_ids=names, filter={}, reason="wrong customer")
    await world.until(name)
    for cancelled in (running, waiting):
        assert (await world.until(cancelled)).status is Status.CANCELLED
    assert world.record(waiting).history[-1].reason == "by alice: wrong customer"
    tally = world.tally(name)
    assert (tally.done, tally.skipped) == (2, 0)
    assert tally.refused == {Refusal.STATUS: 2, Refusal.GONE: 1, Refusal.INTERNAL: 1}
    await world.stop()


@story
async def test_scheduled_jobs_are_cancelled_by_a_filter_as_far_as_they_were_there() -> None:
    world = world_of()
    jobs = world.put(30, Status.SCHEDULED)
    name = await world.ask("cancel", filter={"status": "SCHEDULED"})
    await asyncio.sleep(1)
    later = await world.submit("work", run_at=world.clock.now() + 7_200_000)
    world.start()
    await world.until(name)
    assert {world.record(job.job_id).status for job in jobs} == {Status.CANCELLED}
    assert world.record(later).status is Status.SCHEDULED
    await world.stop()


@story
async def test_a_dry_run_says_what_the_run_then_does() -> None:
    world = world_of()
    jobs = [*world.put(150), *(replace(job, job_id=f"b-{job.job_id}", type="other") for job in world.put(150)[:50])]
    world.store.records |= {job.job_id: job for job in jobs}
    actions = world.actions
    seen = await actions.answer(wish("retry", filter={"type": "work"}, dry_run=True), None, "alice")
    assert (seen["matched"], seen["spread"]) == (
        150,
        {"type": {"work": 150}, "tenant": {"default": 150}, "release": {"1.0": 150}},
    )
    assert {job.round for job in world.store.records.values()} == {1}
    world.start()
    name = await world.ask(filter={"type": "work"}, expect=seen["matched"])
    await world.until(name)
    assert world.tally(name).done == seen["matched"]
    retried = {job.job_id for job in world.store.records.values() if job.round == 2}
    assert retried >= {each["job_id"] for each in seen["samples"]}
    with pytest.raises(NotAllowedNow, match="0 jobs match by now, and 150 were expected"):
        await world.ask(filter={"type": "work"}, expect=150)
    await world.stop()


@story
async def test_without_its_index_nothing_begins() -> None:
    world = world_of()
    world.listing.missing |= set(JobIndex)
    with pytest.raises(NotProvisioned):
        await world.ask()
    assert not world.store.records


@pytest.mark.parametrize("texts", [{"cursor": "abc"}, {"limit": "3"}, {}, {"status": "RUNNING"}])
@story
async def test_a_filter_has_no_place_in_it_and_names_no_status_that_cannot_be(texts: dict[str, str]) -> None:
    with pytest.raises(ListingRefused):
        await world_of().ask(filter=texts)


@story
async def test_a_tally_fits_a_note_whatever_it_counts() -> None:
    most = Tally(
        at=9_999_999_999_999,
        matched=9_999_999,
        done=9_999_999,
        skipped=9_999_999,
        refused=dict.fromkeys(Refusal, 999_999),
        stopped="100 of 100 failed again",
    )
    assert len(most.text()) <= MAX_NOTE
    assert tally_of(Progress(0, None, most.text(), 0)) == most


@story
async def test_no_operation_is_retried_or_cancelled_by_another_one() -> None:
    world = world_of()
    [own] = world.put(1, type=OPERATION_TYPE)
    world.start()
    retrying = await world.ask()
    await world.until(retrying)
    assert world.record(own.job_id) == own
    waiting = await world.ask(rate=1)
    cancelling = await world.ask("cancel", job_ids=(waiting,), filter={})
    await world.until(cancelling)
    assert world.tally(cancelling).refused == {Refusal.INTERNAL: 1}
    assert (await world.until(waiting)).status is Status.SUCCEEDED
    await world.stop()


@story
async def test_who_asked_stands_in_the_history_although_the_message_is_faster_than_the_record() -> None:
    world = world_of()
    [job] = world.put(1)
    host = world.start()
    host.store.on(NewRound, late(0.5))
    await world.until(await world.ask())
    record = await world.until(job.job_id, Status.SUCCEEDED)
    assert [entry.reason for entry in record.history if entry.event == "retried"] == ["by alice"]
    await world.stop()


@pytest.mark.parametrize("at", [None, 3])
@story
async def test_an_operation_goes_on_in_its_list_from_where_it_stood(at: int | None) -> None:
    world = world_of()
    jobs = world.put(6)
    asked = await world.state_of("retry")
    named = await world.state_of("retry", job_ids=tuple(job.job_id for job in jobs), filter={})
    host = world.office
    lists = open_target_lists(
        world.listing, host.ground.schedule, context_of(host.ground, host.settings), host.settings.store
    )
    for state, place in ((asked, at and jobs[at].finished_at), (named, at)):
        source = Source(state.operation, lists, host.ground.schedule)
        found = [record async for some in source.found(place) for record in some.records]
        assert found == jobs[at or 0 :]
