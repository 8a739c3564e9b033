"""What runs, without an index of all jobs: what the workers' heartbeats name, and it is said how many they do not."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker.errors import ListingRefused, NotProvisioned, Unavailable
from cqworker.jobs.list_page import MAX_READ
from cqworker.jobs.list_view import page_view
from cqworker.model.status import Status
from cqworker.ports.fleet import Heartbeat, RunningJob, WorkerState
from cqworker.ports.listing import JobIndex
from tests.contract.clock import NOW
from tests.jobs.lists import MINUTE, Lists, job

RUNNING = "RUNNING"


def running(*numbers: int, **changed: Any) -> Lists:
    """Jobs that were started so many minutes ago, and no index of all jobs."""
    lists = Lists([job(number, Status.RUNNING, **changed) for number in numbers])
    lists.index.missing.add(JobIndex.DAY)
    return lists


async def hear(lists: Lists, worker: str, *numbers: int, more: int = 0, **said: Any) -> None:
    """The heartbeat of a worker that names these jobs, and runs so many more."""
    oldest_first = sorted(numbers, reverse=True)
    named = tuple(RunningJob(f"job-{number:05}", "orders.charge", NOW - number * MINUTE) for number in oldest_first)
    facts: dict[str, Any] = {"boot": worker, "seen": NOW, "slots": 50, "busy": len(named) + more}
    await lists.fleet.heartbeat(Heartbeat(worker=worker, oldest=named, **(facts | said)), first=True)


async def test_running_jobs_are_those_that_heartbeats_name_the_longest_running_first() -> None:
    lists = running(5, 1, 9, 3)
    await hear(lists, "w1", 1, 5)
    await hear(lists, "w2", 3, 9)
    page = await lists.page(status=RUNNING)
    assert [each.job_id for each in page.jobs] == ["job-00009", "job-00005", "job-00003", "job-00001"]
    shown = page_view(page)
    assert (shown["source"], shown["unnamed"], shown["next"], shown["complete"]) == ("workers", 0, None, True)


async def test_it_is_said_how_many_run_that_no_heartbeat_names() -> None:
    lists = running(5, 1)
    await hear(lists, "w1", 5, 1, more=7)
    await hear(lists, "w2", more=2)
    await hear(lists, "w3", more=4, state=WorkerState.STOPPED)
    assert page_view(await lists.page(status=RUNNING))["unnamed"] == 9


async def test_a_tenant_sees_its_own_and_not_how_many_others_have() -> None:
    lists = running(5)
    other = job(6, Status.RUNNING, tenant="acme")
    lists.store.records[other.job_id] = other
    await hear(lists, "w1", 5, 6, more=7)
    page = await lists.page("acme", status=RUNNING)
    assert ([each.job_id for each in page.jobs], page.looked_at, page.unnamed) == (["job-00006"], 1, None)
    with pytest.raises(ListingRefused):
        await lists.page("acme", status=RUNNING, tenant="default")


async def test_what_has_ended_since_is_left_out_and_so_is_what_is_not_asked_for() -> None:
    lists = running(5, 3, 2)
    lists.store.records["job-00004"] = job(4, Status.SUCCEEDED)
    lists.store.records["job-00002"] = job(2, Status.RUNNING, type="orders.refund", tags=("vip",))
    await hear(lists, "w1", 5, 4, 3, 2, 1)
    assert await lists.ids(status=RUNNING) == ["job-00005", "job-00003", "job-00002"]
    assert await lists.ids(status=RUNNING, type="orders.refund") == ["job-00002"]
    assert await lists.ids(status=RUNNING, tag="vip") == ["job-00002"]
    assert await lists.ids(status=RUNNING, from_="2000-01-01", to="2001-01-01") == []


async def test_a_silent_worker_may_run_jobs_still() -> None:
    lists = running(5)
    await hear(lists, "w1", 5, seen=NOW - 60 * MINUTE)
    assert await lists.ids(status=RUNNING) == ["job-00005"]


async def test_a_long_list_comes_page_by_page_and_each_reads_so_much_at_most() -> None:
    numbers = range(1, 2 * MAX_READ + 100)
    lists = running(*numbers)
    for first in range(0, len(numbers), 30):
        await hear(lists, f"w{first}", *numbers[first : first + 30])
    pages = await lists.pages(status=RUNNING, limit="7", tag="none has it")
    assert [len(page.jobs) for page in pages] == [0, 0, 0]
    assert [page.looked_at for page in pages] == [MAX_READ, MAX_READ, 99]
    listed = [each for page in await lists.pages(status=RUNNING, limit="200") for each in page.jobs]
    assert [each.job_id for each in listed] == [f"job-{number:05}" for number in reversed(numbers)]


async def test_with_an_index_of_all_jobs_the_index_is_read() -> None:
    lists = running(5, 1)
    lists.index.missing.clear()
    await hear(lists, "w1", 5)
    page = await lists.page(status=RUNNING)
    assert [each.job_id for each in page.jobs] == ["job-00001", "job-00005"]
    assert (page_view(page)["source"], page.unnamed) == ("index", None)


async def test_a_forged_cursor_is_refused_and_one_of_the_registry_means_nothing_to_the_index() -> None:
    lists = running(*range(9))
    await hear(lists, "w1", *range(9))
    first = await lists.page(status=RUNNING, limit="2")
    assert first.next is not None
    with pytest.raises(ListingRefused, match="another list"):
        await lists.page(status=RUNNING, type="a", cursor=first.next)
    second = await lists.page(status=RUNNING, limit="1", cursor=first.next)
    assert [each.job_id for each in second.jobs] == ["job-00006"]


async def test_other_statuses_want_the_index_as_ever_and_a_registry_that_is_away_is_told() -> None:
    lists = running(1)
    with pytest.raises(NotProvisioned, match="list_all"):
        await lists.page(status="QUEUED")

    async def fall_silent() -> None:
        raise Unavailable("dynamodb", "It is away.", "Wait.")

    lists.fleet.members = fall_silent  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        await lists.page(status=RUNNING)
