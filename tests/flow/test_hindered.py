"""A handler that meets a service which is away, through `job.artifacts`, is not to blame: its attempt is refunded."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker import Job, handler
from cqworker.events import JobHandedBack, JobStarted
from cqworker.model.artifact_keys import upload_key
from cqworker.model.status import FailureKind, Status
from tests.flow.faults import refused, unheard
from tests.flow.long_stories import HOUR, look_seldom
from tests.flow.world import DAY, World, story

SOURCE = "artifact:picture"


@handler(max_attempts=2)
async def reading(payload: dict[str, Any], job: Job) -> int:
    return len((await job.artifacts.read(payload["source"])).data)


@handler(max_attempts=2)
async def writing(payload: dict[str, Any], job: Job) -> str:
    return await job.artifacts.write(b"picture", extension="png", content_type="image/png")


async def stored(world: World) -> str:
    """A source that jobs of the default tenant may read."""
    return await world.artifacts.put(upload_key("default", "picture"), b"1234567", "image/png")


@pytest.fixture(autouse=True)
def _long_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    look_seldom(monkeypatch)


@pytest.mark.parametrize("mishap", [refused, unheard])
@story
async def test_a_source_that_cannot_be_read_now_costs_no_attempt(mishap: Any) -> None:
    world = World({"reading": reading})
    await stored(world)
    host = world.start(before=lambda host: host.artifacts.on("get", mishap, 7))
    record = await world.until(await world.submit("reading", f'{{"source":"{SOURCE}"}}'), patience=HOUR)
    await world.stop()
    assert (record.status, record.attempt, record.result) == (Status.SUCCEEDED, 1, "7")
    assert len(host.seen(JobStarted)) == 8
    assert {event.reason for event in host.seen(JobHandedBack)} == {"its handler met: It did not answer."}


@story
async def test_an_output_that_cannot_be_stored_now_costs_no_attempt() -> None:
    world = World({"writing": writing})
    host = world.start(before=lambda host: host.artifacts.on("put", refused, 7))
    record = await world.until(await world.submit("writing"), patience=HOUR)
    await world.stop()
    assert (record.status, record.attempt) == (Status.SUCCEEDED, 1)
    assert len(host.seen(JobStarted)) == 8


@story
async def test_a_service_that_stays_away_for_a_day_uses_the_attempts_up() -> None:
    world = World({"writing": writing})
    host = world.start()
    host.artifacts.away = refused
    record = await world.until(await world.submit("writing"), patience=2 * DAY)
    await world.until_empty()
    await world.stop()
    assert record.failure is not None
    assert (record.status, record.attempt) == (Status.FAILED, 2)
    assert (record.failure.kind, record.failure.error) == (FailureKind.EXHAUSTED, "Unavailable")
    assert DAY <= world.clock.monotonic() <= DAY + 2000


@story
async def test_a_result_that_cannot_be_stored_for_a_day_uses_the_attempts_up() -> None:
    @handler(max_attempts=1)
    async def big(payload: dict[str, Any]) -> str:
        return "x" * 5000

    world = World({"big": big})
    host = world.start()
    host.artifacts.away = refused
    record = await world.until(await world.submit("big"), patience=2 * DAY)
    await world.until_empty()
    await world.stop()
    assert record.failure is not None
    assert (record.status, record.failure.kind, record.failure.stage) == (
        Status.FAILED,
        FailureKind.EXHAUSTED,
        "result",
    )
    assert len(host.seen(JobStarted)) < 200, "it is started ever more rarely"


@story
async def test_an_outage_that_the_handler_deals_with_itself_is_its_own_affair() -> None:
    @handler(max_attempts=1)
    async def careful(payload: dict[str, Any], job: Job) -> str:
        try:
            return await job.artifacts.write(b"x", extension="png", content_type="image/png")
        except Exception as error:
            raise ValueError("no picture") from error

    world = World({"careful": careful})
    world.start(before=lambda host: host.artifacts.on("put", refused))
    record = await world.until(await world.submit("careful"))
    await world.stop()
    assert record.failure is not None
    assert (record.failure.kind, record.failure.error) == (FailureKind.EXHAUSTED, "ValueError")
