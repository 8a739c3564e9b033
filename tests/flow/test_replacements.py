"""Stories of unique jobs whose last submission counts: replaced while they wait, and never once they have started."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from cqworker import DuplicateJob, MessageTooLarge, NotProvisioned, Unavailable
from cqworker.enums import OnDuplicate
from cqworker.errors import SubmissionRefused
from cqworker.jobs.submission import Accepted
from cqworker.model.envelope import read_envelope
from cqworker.model.history import Entry
from cqworker.model.schedule_writes import Reschedule
from cqworker.model.status import Status
from cqworker.model.unique import Unique
from cqworker.model.writes import Refused
from cqworker.ports.fleet import Control
from tests.flow.faults import Mishap, late, refused, repeated, repeated_after, unanswered
from tests.flow.handlers import Notebook, worker_of
from tests.flow.world import World, story

PAGE = Unique("page 7", scope="until_started")


def world_of() -> World:
    return World({"work": worker_of(Notebook(), 60)})


async def submit(world: World, text: str, **more: Any) -> Accepted:
    asked = {"unique": PAGE, "on_duplicate": OnDuplicate.REPLACE, **more}
    return await world.accept("work", json.dumps({"text": text}), **asked)


def text_of(world: World, job_id: str) -> Any:
    return json.loads(world.record(job_id).payload or "null")["text"]


@story
async def test_the_last_payload_is_the_one_that_runs_and_the_job_starts_once() -> None:
    world = world_of()
    first = await submit(world, "one", debounce_seconds=30)
    for text in ("two", "three"):
        await asyncio.sleep(20)
        again = await submit(world, text, debounce_seconds=30)
        assert (again.record.job_id, again.duplicate) == (first.record.job_id, True)
    world.start()
    began = world.clock.now()
    record = await world.until(first.record.job_id)
    assert (record.status, record.attempt, text_of(world, record.job_id)) == (Status.SUCCEEDED, 1, "three")
    assert (record.started_at or 0) >= began + 28_000
    await world.until_empty()
    assert len(world.store.records) == 1
    assert [entry.event for entry in record.history][:2] == ["submitted", "replaced"]
    assert record.history[1].reason.startswith("x2: starts ")
    await world.stop()


@story
async def test_what_is_debounced_for_ever_starts_once_it_has_waited_for_as_long_as_it_may() -> None:
    world = world_of()
    world.start()
    made = world.clock.now()
    first = await submit(world, "0", debounce_seconds=30, max_wait_seconds=100)
    for number in range(1, 12):
        await asyncio.sleep(10)
        await submit(world, str(number), debounce_seconds=30, max_wait_seconds=100)
    started = world.record(first.record.job_id).started_at or 0
    assert 98_000 <= started - made <= 103_000
    await world.stop()


@story
async def test_a_job_that_is_replaced_behind_a_backlog_keeps_the_copies_that_may_start_it() -> None:
    world = world_of()
    first = await submit(world, "one")
    for text in ("two", "three"):
        await submit(world, text)
    [*_, body] = world.queue.bodies
    assert read_envelope(body).at == world.record(first.record.job_id).created_at
    assert json.loads(body)["cqworker"] == 2
    world.start()
    await world.until(first.record.job_id)
    assert text_of(world, first.record.job_id) == "three"
    await world.stop()


@story
async def test_a_job_that_has_started_runs_on_and_the_next_one_is_made() -> None:
    world = world_of()
    world.start()
    first = await submit(world, "one")
    await world.until(first.record.job_id, Status.RUNNING)
    second = await submit(world, "two")
    assert second.is_new
    assert second.record.job_id != first.record.job_id
    await world.until(second.record.job_id)
    assert (text_of(world, first.record.job_id), text_of(world, second.record.job_id)) == ("one", "two")
    await world.stop()


@story
async def test_a_job_that_binds_its_key_until_it_has_finished_is_not_replaced_once_it_runs() -> None:
    world = world_of()
    world.start()
    first = await world.accept("work", '{"text":"one"}', unique=Unique("page 7"))
    await world.until(first.record.job_id, Status.RUNNING)
    with pytest.raises(DuplicateJob, match="as until_finished says, and has started"):
        await submit(world, "two")
    await world.stop()


@story
async def test_a_job_that_ended_while_it_was_to_be_replaced_gives_its_key_to_the_submission() -> None:
    world = world_of()
    first = await world.accept("work", '{"text":"one"}', unique=Unique("page 7"))
    world.office.store.on(Reschedule, late(5))
    second, _ = await asyncio.gather(submit(world, "two"), _after(2, world.operator.cancel(first.record.job_id, None)))
    assert world.record(first.record.job_id).status is Status.CANCELLED
    assert second.is_new
    assert text_of(world, second.record.job_id) == "two"


@story
async def test_a_debounce_of_hours_waits_in_the_index_without_a_message() -> None:
    world = world_of()
    first = await submit(world, "one", debounce_seconds=7200)
    await asyncio.sleep(3600)
    again = await submit(world, "two", debounce_seconds=7200)
    assert (again.record.status, again.record.job_id) == (Status.SCHEDULED, first.record.job_id)
    assert world.queue.bodies == []


@pytest.mark.parametrize("mishap", [unanswered, repeated])
@story
async def test_a_replacement_whose_answer_was_lost_gives_way_to_the_next_one(mishap: Mishap) -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on(Reschedule, mishap)
    with suppress(Unavailable):
        await submit(world, "two")
    assert text_of(world, first.record.job_id) == "two"
    await submit(world, "three")
    assert text_of(world, first.record.job_id) == "three"


@story
async def test_a_replacement_that_comes_late_brings_no_older_payload_back() -> None:
    """Each leaves the time as it is, so that only their number tells the writes apart."""
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    record = world.record(first.record.job_id)
    entry = Entry(world.clock.now(), "replaced", 0, "", "x1: starts soon")
    old: dict[str, Any] = {
        "seen": record,
        "scheduled_at": record.scheduled_at or 0,
        "purge_at": record.purge_at,
    }
    await submit(world, "two")
    assert isinstance(await world.store.write(Reschedule(**old, entry=entry, payload='{"text":"late"}')), Refused)
    assert text_of(world, first.record.job_id) == "two"


@story
async def test_a_replacement_that_the_client_had_to_write_twice_brings_nothing_back_over_one_in_between() -> None:
    """Seed 885: its repeat was refused by the newer one, over which it was then written under the next number."""
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on(Reschedule, repeated_after(2))
    two, _ = await asyncio.gather(submit(world, "two"), _after(1, submit(world, "three")))
    assert (two.record.job_id, two.is_new) == (first.record.job_id, False)
    assert (text_of(world, first.record.job_id), world.record(first.record.job_id).replacements) == ("three", 2)


@story
async def test_a_replacement_that_the_client_had_to_write_twice_is_no_second_job_where_the_first_has_started() -> None:
    world = world_of()
    world.start()
    first = await submit(world, "one", delay_seconds=30)
    world.office.store.on(Reschedule, repeated_after(60))
    two = await submit(world, "two")
    assert (two.record.job_id, two.record.status, two.is_new) == (first.record.job_id, Status.RUNNING, False)
    assert text_of(world, first.record.job_id) == "two"
    assert len(world.store.records) == 1
    await world.stop()


@story
async def test_a_replacement_before_which_another_one_came_is_written_after_it() -> None:
    """That one has the number which this one was to have, and not its payload: this one was not done."""
    world = world_of()
    first = await submit(world, "one", delay_seconds=600)
    world.office.store.on(Reschedule, late(2))
    await asyncio.gather(submit(world, "three"), _after(1, submit(world, "two")))
    assert (text_of(world, first.record.job_id), world.record(first.record.job_id).replacements) == ("three", 2)


@story
async def test_two_replacements_at_once_leave_one_of_the_two_payloads() -> None:
    world = world_of()
    first = await submit(world, "one", delay_seconds=60)
    await asyncio.gather(submit(world, "two"), submit(world, "three"))
    record = world.record(first.record.job_id)
    assert record.replacements == 2
    assert text_of(world, record.job_id) in ("two", "three")


@story
async def test_a_job_that_could_not_be_sent_is_sent_by_the_next_one_with_its_own_payload() -> None:
    world = world_of()
    for call in ("send", "send_many"):
        world.office.queue.on(call, refused)
    with pytest.raises(Unavailable):
        await submit(world, "one")
    healed = await submit(world, "two")
    assert text_of(world, healed.record.job_id) == "two"


@story
async def test_it_is_refused_in_words_where_it_cannot_be() -> None:
    world = world_of()
    for more, said in (
        ({"unique": Unique("page 7")}, "goes with unique and its scope until_started, as in"),
        ({"unique": None}, "goes with unique and its scope until_started"),
        ({"max_wait_seconds": 5}, "max_wait_seconds bounds debounce_seconds"),
        ({"debounce_seconds": 9, "max_wait_seconds": 8}, r"max_wait_seconds \(8\) is less than debounce_seconds \(9\)"),
        (
            {"on_duplicate": OnDuplicate.RETURN, "debounce_seconds": 5},
            "debounce_seconds goes with on_duplicate replace",
        ),
    ):
        with pytest.raises(SubmissionRefused, match=said):
            await submit(world, "one", **more)
    with pytest.raises(MessageTooLarge, match="one that may be replaced has 4096 at most"):
        await submit(world, "x" * 5000)
    assert world.unique_keys.holds == {}


@story
async def test_it_is_refused_until_an_operator_has_enabled_it() -> None:
    world = world_of()
    world.office.ground.queue_control.note(Control())
    with pytest.raises(NotProvisioned, match="run `cqworker provision --enable replace`"):
        await submit(world, "one")
    assert world.unique_keys.holds == {}


@story
async def test_another_tenant_that_names_the_same_key_replaces_its_own_job_alone_whatever_text_it_writes() -> None:
    world = world_of()
    first = await submit(world, "one", tenant="acme", delay_seconds=600)
    [key] = world.unique_keys.holds
    for text in ("page 7", key, f"unique#{key}", 'acme","work",{"text":"page 7'):
        page = Unique(text, scope="until_started")
        other = await submit(world, "stolen", tenant="other", unique=page, delay_seconds=600)
        assert (other.is_new, other.record.tenant) == (True, "other")
    assert text_of(world, first.record.job_id) == "one"
    assert len(world.unique_keys.holds) == 5


async def _after(seconds: float, act: Any) -> Any:
    await asyncio.sleep(seconds)
    return await act
