"""Messages that anybody may have written, every field of them: none harms the others, none opens a door."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cqworker.events import BackgroundFailed, ForeignMessage, RequestFailed
from cqworker.model.envelope import read_envelope
from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_METADATA, MAX_TAGS
from cqworker.model.record import envelope_of
from cqworker.model.status import Status
from cqworker.model.tenants import tenant_fault
from cqworker.ports import Letter, StoredObject
from tests.flow.handlers import quick
from tests.flow.world import World, story

JOB = "01a2059b-5a41-77d5-a090-f9b2886de7e0"
OURS = f"s3://artifacts/payloads/{JOB}.json"
FEW = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.reuse, Phase.generate],  # each example is a story: making a failing one smaller takes minutes
)
texts = st.sampled_from(
    [
        "",
        "x",
        "x" * 300,
        "a b",
        "\u00e9",
        "\0",
        "a\r\nb",
        "../..",
        "{0}",
        "%2e%2e/",
        "job#x",
        "default",
        "jobs",
        "quick",
        JOB,
    ]
)
numbers = st.sampled_from([0, -1, 1, 2, 300, 301, 10**6, 2**63, 2**64, 10**30, 1.5, 3.0, 1e300, -0.0])
anything = st.one_of(
    texts, numbers, st.none(), st.booleans(), st.lists(texts, max_size=12), st.dictionaries(texts, texts | numbers)
)
references = st.sampled_from(
    [
        OURS,
        "s3://secrets/key",
        "s3://artifacts/uploads/rival/1",
        f"s3://artifacts/payloads/x{JOB}.json",
        "file:///etc/passwd",
    ]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "job_id": texts | anything,
    "type": texts | anything,
    "payload": anything,
    "payload_ref": references | references | anything,
    "round": numbers | anything,
    "max_attempts": st.sampled_from([301, 1_000_000]) | numbers | anything,
    "queue": texts | anything,
    "tenant": st.sampled_from(["a b", "\u00e9", ".."]) | anything,
    "metadata": anything,
    "tags": anything,
    "created_at": st.just(253_402_300_799_999) | numbers | anything,
    "delay_seconds": numbers,
    "idempotency_key": texts,
    "cqworker": st.sampled_from([1, 1, 1, 1, 0, 2, 1.0, "1", None]),
}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A job with a field or two that somebody means ill with; with more of them none would ever be run."""
    job_id = draw(st.just(JOB) | st.integers(1, 30).map("job-{}".format))
    spoilt = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
    return {"job_id": job_id, "type": "quick"} | {name: draw(FIELDS[name]) for name in spoilt}


traces = st.none() | texts | st.just(f"00-{'a' * 32}-{'b' * 16}-01")


class Watched:
    """Notes which objects are fetched."""

    def __init__(self, world: World) -> None:
        self.fetched: list[str] = []
        self._get, world.artifacts.get = world.artifacts.get, self._note  # type: ignore[method-assign]

    async def _note(self, reference: str, limit: int) -> StoredObject:
        self.fetched.append(reference)
        return await self._get(reference, limit)


@FEW
@given(messages=st.lists(st.tuples(bodies(), traces), min_size=8, max_size=16))
def test_any_message_runs_within_the_limits_or_is_told_and_left(
    messages: list[tuple[dict[str, Any], str | None]],
) -> None:
    @story
    async def tell() -> None:
        world = World({"quick": quick}, max_receives=2)
        watched = Watched(world)
        for reference in ("s3://secrets/key", "s3://artifacts/uploads/rival/1", OURS):
            world.artifacts.objects[reference] = StoredObject(b'{"n":1}', "application/json")
        host = world.start()
        for body, trace in messages:
            await world.queue.send(Letter(body=json.dumps({"cqworker": 1} | body), traceparent=trace))
        good = await world.submit("quick", '{"good":1}')
        assert (await world.until(good)).status is Status.SUCCEEDED
        await world.until_true(lambda: not world.queue.bodies or world.clock.monotonic() > 400)
        for record in world.store.records.values():
            assert read_envelope(envelope_of(record).text()) == envelope_of(record)
            assert 1 <= record.max_attempts <= MAX_ATTEMPTS
            assert len(record.tags) <= MAX_TAGS
            assert len(record.metadata) <= MAX_METADATA
            assert tenant_fault(record.tenant) is None
            assert record.created_at <= world.clock.now() + 3_600_000
        assert set(watched.fetched) <= {OURS}
        assert not host.seen(BackgroundFailed) + host.seen(RequestFailed)
        assert all(event.reason for event in host.seen(ForeignMessage))
        await world.stop()

    tell()
