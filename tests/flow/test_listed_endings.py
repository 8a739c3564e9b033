"""Every ending of a listed status says what the listing index shows of it, and a new round takes the job out again."""

from __future__ import annotations

from typing import Any

from cqworker import Reject, handler
from cqworker.events import JobForestalled
from cqworker.model.fingerprint import with_fingerprint
from cqworker.model.listing import Listing
from cqworker.model.record import Failure
from cqworker.model.status import FailureKind, Status
from cqworker.settings.settings import ListedStatus
from tests.flow.handlers import Notebook, quick, worker_of
from tests.flow.world import World, story

LISTED: tuple[ListedStatus, ...] = (Status.FAILED, Status.CANCELLED)


@handler
async def refuse(payload: dict[str, Any]) -> None:
    raise Reject(f"no order {payload.get('order', 1)}")


@handler(max_attempts=2)
async def raises(payload: dict[str, Any]) -> None:
    raise ValueError("broken")


@story
async def test_a_failed_job_is_listed_with_its_failure_its_worker_and_its_release() -> None:
    world = World({"refuse": refuse}, release="1.4.3")
    world.start("w1")
    record = await world.until(await world.submit("refuse"))
    assert record.failure is not None
    assert record.listing == Listing(
        kind="rejected", fingerprint=record.failure.fingerprint or "", worker="w1", release="1.4.3"
    )
    await world.stop()


@story
async def test_failures_that_are_alike_have_one_fingerprint() -> None:
    world = World({"refuse": refuse})
    world.start()
    jobs = [await world.until(await world.submit("refuse", f'{{"order":{order}}}')) for order in (7, 4711)]
    assert len({job.failure and job.failure.fingerprint for job in jobs}) == 1
    await world.stop()


@story
async def test_a_job_that_is_retried_or_succeeds_is_not_listed() -> None:
    world = World({"raises": raises, "quick": quick})
    world.start()
    retrying = await world.until(await world.submit("raises"), Status.RETRYING)
    assert retrying.listing is None
    assert retrying.failure is not None
    assert retrying.failure.fingerprint
    assert (await world.until(await world.submit("quick"))).listing is None
    assert (await world.until(retrying.job_id)).listing is not None
    await world.stop()


@story
async def test_a_new_round_takes_the_job_out_of_the_index() -> None:
    world = World({"refuse": refuse})
    world.start()
    job = await world.until(await world.submit("refuse"))
    await world.stop()
    assert (await world.operator.retry(job.job_id, None)).listing is None


@story
async def test_a_cancel_is_listed_where_that_is_asked_for_alone() -> None:
    for world, expected in (
        (World({"quick": quick}, listed=LISTED, release="r"), Listing(release="r")),
        (World({"quick": quick}, release="r"), None),
    ):
        job_id = await world.submit("quick")
        assert (await world.operator.cancel(job_id, None)).listing == expected


@story
async def test_a_cancel_of_a_running_job_is_listed_by_the_worker_that_wrote_it() -> None:
    world = World({"work": worker_of(Notebook(), 50)}, listed=LISTED, release="r")
    world.start("w1")
    job_id = await world.submit("work")
    await world.until(job_id, Status.RUNNING)
    await world.operator.cancel(job_id, None)
    assert (await world.until(job_id)).listing == Listing(worker="w1", release="r")
    await world.stop()


@story
async def test_a_job_whose_attempts_are_used_up_is_listed_as_crashed() -> None:
    world = World({"work": worker_of(Notebook(), 50)}, release="r")
    world.start("w1")
    job_id = await world.submit("work", max_attempts=1)
    await world.until(job_id, Status.RUNNING)
    world.kill("w1")
    host = world.start("w2")
    record = await world.until(job_id)
    assert record.failure is not None
    await world.until_true(lambda: host.seen(JobForestalled))
    assert record.listing == Listing(
        kind="crashed", fingerprint=record.failure.fingerprint or "", worker="w2", release="r"
    )
    await world.stop()


@story
async def test_a_lost_job_is_listed_as_lost() -> None:
    world = World({"quick": quick}, max_receives=1, release="r")
    job_id = await world.submit("quick")
    await world.queue.receive(1, 0, 1)
    world.start("w1")
    record = await world.until(job_id)
    lost = Failure(FailureKind.LOST, "The message ended in the dead-letter queue before the job could be finished.")
    expected = with_fingerprint("quick", lost)
    assert record.failure == expected
    assert record.listing == Listing(kind="lost", fingerprint=expected.fingerprint or "", worker="w1", release="r")
    await world.stop()
