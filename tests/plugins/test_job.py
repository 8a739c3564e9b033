"""The job as its handler sees it."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cqworker import ArtifactMissing, ArtifactTooLarge, Job, SourceRefused, Stopping
from cqworker.aws.clients import AwsClients
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.events import ignore
from cqworker.plugins.job import PlainJob
from cqworker.plugins.job_artifacts import JobArtifacts
from cqworker.ports import Artifacts
from cqworker.testing import MemoryArtifacts
from tests.patience import scaled

OFFERED = {
    *(
        "id",
        "type",
        "tenant",
        "metadata",
        "tags",
        "priority",
        "limit_key",
        "round",
        "attempt",
        "max_attempts",
        "deadline",
        "traceparent",
        "memory",
    ),
    *("memory", "stopping", "check", "finished", "progress", "log", "artifacts", "state", "run_in_process"),
}
PAGE = Path(__file__).parents[2].joinpath("docs", "handlers.md").read_text(encoding="utf-8")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PLAIN = PlainJob(
    id="j-1",
    type="text.transform",
    attempt=2,
    max_attempts=5,
    deadline=datetime(2030, 1, 1, tzinfo=UTC),
    round=3,
    tenant="acme",
    metadata={"a": "b"},
    tags=("t",),
    traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
    memory=512,
)


def lent(**parts: Any) -> Job:
    return Job(PLAIN, report=parts.pop("report", lambda *_: None), **parts)


def test_a_job_tells_what_is_known_about_it() -> None:
    job = lent()
    assert (job.id, job.type, job.attempt, job.max_attempts, job.round) == ("j-1", "text.transform", 2, 5, 3)
    assert (job.tenant, job.metadata, job.tags, job.deadline.year) == ("acme", {"a": "b"}, ("t",), 2030)
    assert repr(job) == "<Job j-1 text.transform round 3 attempt 2 of 5>"


def test_every_line_a_handler_logs_names_its_job() -> None:
    with capture_logs() as lines:
        lent().log.info("half way", page=3)
    named = {"job_id": "j-1", "type": "text.transform", "attempt": 2, "trace_id": TRACE}
    assert lines == [{"event": "half way", "log_level": "info", "page": 3, **named}]


def test_progress_is_handed_on_with_its_note_cut() -> None:
    told: list[Any] = []
    job = lent(report=lambda *step: told.append(step))
    job.progress(1)
    job.progress(2, 4, "x" * 1000)
    assert told == [(1, None, None), (2, 4, "x" * 200)]


class Wide(float):
    """A float of another kind, as numpy's are."""


@pytest.mark.parametrize(
    ("number", "plain"),
    [(Decimal("0.5"), 0.5), (Fraction(1, 4), 0.25), (2**70, float(2**70)), (Wide(1.5), 1.5), (True, 1), (7, 7)],
)
def test_progress_takes_numbers_of_every_kind_and_hands_on_plain_ones(number: Any, plain: float) -> None:
    told: list[Any] = []
    lent(report=lambda *step: told.append(step)).progress(number, number)
    assert told == [(plain, plain, None)]
    assert {type(value) for value in told[0][:2]} == {type(plain)}


@pytest.mark.parametrize("step", [(float("nan"),), (1, float("inf")), ("1",), ([],), (10**400,)])
def test_progress_takes_finite_numbers(step: Any) -> None:
    with pytest.raises(ValueError, match="finite"):
        lent().progress(*step)


def test_stopping_is_asked_of_the_worker_each_time() -> None:
    answers = iter([None, "drain"])
    job = lent(stopping=lambda: next(answers))
    assert [job.stopping, job.stopping] == [False, True]


def test_a_check_raises_once_the_attempt_should_end_and_no_except_exception_takes_it() -> None:
    answers = iter([None, "drain"])
    job = lent(stopping=lambda: next(answers))
    job.check()
    with pytest.raises(Stopping) as caught:
        job.check()
    assert caught.value.reason == "drain"
    assert not isinstance(caught.value, Exception)


def test_the_word_that_a_result_is_whole_is_handed_on_and_gives_the_result_back() -> None:
    told: list[str] = []
    result = {"a": 1}
    assert lent(finished=lambda: told.append("finished")).finished(result) is result
    assert told == ["finished"]


def test_the_word_is_harmless_where_the_job_is_plain_data() -> None:
    assert Job(PLAIN).finished("whole") == "whole"


def test_the_state_is_what_the_lifespan_gave() -> None:
    assert lent(state="pool").state == "pool"
    assert lent().state is None


def offered_by(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


async def test_a_job_offers_what_the_page_says_and_nothing_else() -> None:
    job = lent(artifacts=artifacts_on(asyncio.get_running_loop(), MemoryArtifacts()), stopping=lambda: None)
    assert offered_by(job) == OFFERED
    assert offered_by(job.artifacts) == {"largest", "read", "read_sync", "write", "write_sync"}
    rows = PAGE.partition("| attribute | meaning |\n")[2].partition("\n\n")[0].splitlines()
    assert {name.partition("(")[0] for row in rows for name in re.findall("`(.*?)`", row.split("|")[1])} == OFFERED


async def test_nothing_that_a_job_offers_is_a_session_a_client_or_a_credential() -> None:
    """The store behind `artifacts` speaks to S3, and shows neither itself nor what it speaks with."""
    async with AwsClients(ignore) as clients:
        store = S3Artifacts(clients, "results", "out/")
        job = lent(artifacts=artifacts_on(asyncio.get_running_loop(), store), state=None)
        values = [getattr(job, name) for name in OFFERED - {"stopping"}]
        values += [getattr(job.artifacts, name) for name in offered_by(job.artifacts)]
        kinds = {type(value) for value in values} - {JobArtifacts}
    assert {kind.__module__.partition(".")[0] for kind in kinds} == {"builtins", "datetime", "structlog"}


@contextmanager
def another_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


class Attentive(MemoryArtifacts):
    """Remembers on which loop it was asked, and can be made to wait."""

    def __init__(self) -> None:
        super().__init__("results", "out/")
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.is_slow = False
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def get(self, reference: str, limit: int) -> Any:
        self.loops.append(asyncio.get_running_loop())
        self.asked.set()
        try:
            await asyncio.sleep(60 if self.is_slow else 0)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return await super().get(reference, limit)


async def nobodys(_job_id: str) -> None:
    """Where no job is known."""


def artifacts_on(loop: asyncio.AbstractEventLoop, store: Artifacts, job: PlainJob = PLAIN) -> JobArtifacts:
    return JobArtifacts(store, job, sources=("s3://photos/in",), tenant_of=nobodys, loop=loop)


async def test_the_store_is_asked_on_its_own_loop() -> None:
    store = Attentive()
    await store.put("uploads/acme/7f", b"data", "text/plain")
    with another_loop() as loop:
        assert (await artifacts_on(loop, store).read("artifact:7f")).data == b"data"
        assert store.loops == [loop]
    here = asyncio.get_running_loop()
    assert (await artifacts_on(here, store).read("artifact:7f")).data == b"data"
    assert store.loops == [loop, here]


async def test_cancelling_the_reader_cancels_the_read() -> None:
    store = Attentive()
    store.is_slow = True
    with another_loop() as loop:
        reading = asyncio.create_task(artifacts_on(loop, store).read("artifact:7f"))
        assert await asyncio.to_thread(store.asked.wait, scaled(10))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(store.cancelled.wait, scaled(10))


async def test_the_threads_ways_are_refused_on_a_loop() -> None:
    artifacts = artifacts_on(asyncio.get_running_loop(), MemoryArtifacts())
    with pytest.raises(RuntimeError, match="await"):
        artifacts.read_sync("artifact:7f")
    with pytest.raises(RuntimeError, match="await"):
        artifacts.write_sync(b"", extension="txt", content_type="text/plain")


async def test_what_cannot_be_read_says_why() -> None:
    store = MemoryArtifacts("results", "out/")
    await store.put("uploads/acme/7f", b"data", "text/plain")
    artifacts = artifacts_on(asyncio.get_running_loop(), store)
    for source, limit, error in [
        ("s3://elsewhere/x", 9, SourceRefused),
        ("artifact:8f", 9, ArtifactMissing),
        ("artifact:7f", 3, ArtifactTooLarge),
    ]:
        with pytest.raises(error):
            await artifacts.read(source, limit)


@pytest.mark.parametrize(
    ("job_id", "folder"), [("j-1", "j-1"), ("..", "%2E%2E"), ("../a/b", "%2E%2E%2Fa%2Fb"), ("ä?", "%C3%A4%3F")]
)
async def test_the_output_lies_below_the_jobs_own_key(job_id: str, folder: str) -> None:
    job = PlainJob(id=job_id, type="t", attempt=2, max_attempts=5, deadline=PLAIN.deadline, round=3)
    store = MemoryArtifacts("results", "out/")
    artifacts = artifacts_on(asyncio.get_running_loop(), store, job)
    reference = await artifacts.write(b"data", extension="png", content_type="image/png")
    assert reference == f"s3://results/out/{folder}/3-2.png"
    assert store.objects[reference].content_type == "image/png"


@pytest.mark.parametrize("extension", ["", ".png", "../x", "PNG", "a/b", "x" * 11, "ä", "png\n"])
async def test_an_extension_cannot_lead_elsewhere(extension: str) -> None:
    artifacts = artifacts_on(asyncio.get_running_loop(), MemoryArtifacts())
    with pytest.raises(ValueError, match="extension"):
        await artifacts.write(b"", extension=extension, content_type="image/png")
