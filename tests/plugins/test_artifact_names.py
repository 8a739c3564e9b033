"""An attempt writes as many artifacts as it likes, each under a name of its own, and none twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqworker import Job, handler
from cqworker.errors import Unavailable
from cqworker.model.artifact_keys import artifact_key, job_folder, output_reference, producer_of
from cqworker.model.job_limits import MAX_JOB_ID
from cqworker.model.record import JobRecord
from cqworker.model.source_reference import MAX_KEY_BYTES
from cqworker.model.status import Status
from cqworker.plugins.job_artifacts import JobArtifacts
from cqworker.testing import MemoryArtifacts, run_handler
from tests.flow.faults import FaultyArtifacts, refused
from tests.plugins.test_job import PLAIN, artifacts_on

CSV: dict[str, Any] = {"content_type": "text/csv"}
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=MAX_JOB_ID)


def reference(key: str) -> str:
    return f"s3://results/out/{key}"


@pytest.fixture
def store() -> MemoryArtifacts:
    return MemoryArtifacts("results", "out/")


def lent(store: Any) -> JobArtifacts:
    return artifacts_on(asyncio.get_running_loop(), store)


async def test_artifacts_of_other_names_stand_side_by_side_below_round_and_attempt(store: MemoryArtifacts) -> None:
    artifacts = lent(store)
    first = await artifacts.write(b"a", name="report.csv", **CSV)
    second = await artifacts.write(b"b", name="Report.csv", **CSV)
    plain = await artifacts.write(b"c", extension="csv", **CSV)
    assert (first, second) == (reference("j-1/3-2/report.csv"), reference("j-1/3-2/Report.csv"))
    assert plain == reference("j-1/3-2.csv")
    assert [store.objects[place].data for place in (first, second, plain)] == [b"a", b"b", b"c"]


@pytest.mark.parametrize("said", [{"name": "report.csv"}, {"extension": "csv"}])
async def test_a_second_write_of_one_name_is_an_error_that_says_so(
    store: MemoryArtifacts, said: dict[str, str]
) -> None:
    artifacts = lent(store)
    place = await artifacts.write(b"first", **said, **CSV)
    with pytest.raises(ValueError, match=r"has written an artifact .* already"):
        await artifacts.write(b"second", **said, **CSV)
    assert store.objects[place].data == b"first"


async def test_of_two_writes_of_one_name_at_once_one_is_refused(store: MemoryArtifacts) -> None:
    artifacts = lent(store)
    writes = [artifacts.write(data, name="a", **CSV) for data in (b"1", b"2")]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [str, ValueError]


async def test_what_was_not_stored_may_be_written_again(store: MemoryArtifacts) -> None:
    line = FaultyArtifacts(store)
    line.on("put", refused)
    artifacts = lent(line)
    with pytest.raises(Unavailable):
        await artifacts.write(b"data", name="a.csv", **CSV)
    assert store.objects[await artifacts.write(b"data", name="a.csv", **CSV)].data == b"data"


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a b", "ä.csv", "a\n", "a\x00", "x" * 101, "ends.", "-dash"),
        *('quo"te', "semi;colon", "%2e%2e", "a\u202egpj", "\ud800", 7),
    ],
)
async def test_a_name_that_some_reader_might_take_otherwise_is_refused(store: MemoryArtifacts, name: Any) -> None:
    with pytest.raises(ValueError, match="name takes 1 to 100 of") as told:
        await lent(store).write(b"", name=name, **CSV)
    assert str(told.value).isprintable()
    assert store.objects == {}


@pytest.mark.parametrize("said", [{}, {"name": "a.csv", "extension": "csv"}])
async def test_a_write_has_either_a_name_or_an_extension(store: MemoryArtifacts, said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either name"):
        await lent(store).write(b"", **said, **CSV)


async def test_a_thread_writes_names_as_well(store: MemoryArtifacts) -> None:
    @handler
    def report(payload: dict[str, Any], job: Job) -> list[str]:
        return [job.artifacts.write_sync(b"x", name=name, content_type="text/csv") for name in ("a", "b", "a")]

    with pytest.raises(ValueError, match="'a' already"):
        await run_handler(report, {}, artifacts=store, id="j")
    assert set(store.objects) == {reference("j/1-1/a"), reference("j/1-1/b")}


@given(ids, st.sampled_from([("report.csv", None), (None, "png"), ("result.json", None)]))
def test_the_maker_of_every_artifact_is_known_by_its_reference(
    job_id: str, said: tuple[str | None, str | None]
) -> None:
    place = reference(artifact_key(job_id, "3-2", *said))
    assert producer_of(place, reference) == job_id
    assert len(artifact_key(job_id, "3-2", *said).encode()) < MAX_KEY_BYTES - 100, "a prefix fits as well"
    record = JobRecord(
        job_id=job_id,
        type="t",
        queue="q",
        tenant="acme",
        status=Status.SUCCEEDED,
        max_attempts=1,
        created_at=1,
        purge_at=2,
        result=f'{{"output":"{place}"}}',
    )
    assert output_reference(record, reference) == place


@given(ids, ids)
def test_no_two_jobs_share_a_folder_and_none_has_that_of_uploads_or_payloads(one: str, other: str) -> None:
    assert (job_folder(one) == job_folder(other)) is (one == other)
    for job_id in (one, "uploads", "payloads"):
        assert job_folder(job_id) not in ("uploads", "payloads", ".", "..")
        assert "/" not in job_folder(job_id)


@pytest.mark.parametrize(
    "key",
    [
        *("uploads/1-1.png", "payloads/1-1.json", "uploads/acme/1-1", "j-1", "j-1/", "j-1/1-1", "j-1/0-1.png"),
        *("j-1/1-1.PNG", "j-1/1-1/a/b", "j-1/1-1/..", "j-1/../j-2/1-1.png", "/1-1.png", "j%2D1/1-1.png", "ä/1-1.png"),
        *("%FF/1-1.png", "j-1/1-1.png\n", "j-1/1-1.result.json.png"),
    ],
)
def test_a_key_that_no_job_writes_has_no_maker(key: str) -> None:
    assert producer_of(reference(key), reference) is None
    assert producer_of(f"s3://elsewhere/out/{PLAIN.id}/1-1.png", reference) is None
