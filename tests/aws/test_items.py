"""Records as items: nothing is lost on the way, nothing empty is stored, nothing unknown hurts."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.aws.dynamodb.items import UnreadableItem, item_of, key_item, key_of, record_of
from cqworker.model.attempt_writes import Claim, Settle
from cqworker.model.history import Entry
from cqworker.model.record import Failure, JobRecord, Progress, envelope_of
from cqworker.model.status import FailureKind, Status
from cqworker.ports import KeyItem
from tests.contract.cases import record
from tests.contract.clock import NOW


def small_job() -> JobRecord:
    """A job whose payload is a text of a hundred bytes, as its submitter puts it."""
    return JobRecord(
        job_id="019a0c4e-7d5a-7c3e-8f00-0123456789ab",
        type="text.transform",
        queue="cqworker",
        tenant="default",
        status=Status.QUEUED,
        max_attempts=10,
        created_at=NOW,
        purge_at=NOW // 1000,
        payload='{"text":"' + "x" * 100 + '"}',
        history=(Entry(NOW, "submitted"),),
    )


def size(item: dict[str, Any]) -> int:
    """The bytes DynamoDB counts (developer guide, item sizes): names, UTF-8 strings, numbers at two digits a byte."""
    return sum(len(name) + _cell_size(cell) for name, cell in item.items())


def _cell_size(cell: dict[str, Any]) -> int:
    [(kind, value)] = cell.items()
    if kind == "N":
        return (len(value.strip("0")) + 1) // 2 + 1
    return len(value.encode()) if kind == "S" else 3 + sum(_cell_size(entry) + 1 for entry in value)


@pytest.mark.parametrize("seed", range(50))
def test_a_record_comes_back_as_it_was(seed: int) -> None:
    made = record(Random(seed))
    assert record_of(item_of(made)) == made


def test_what_is_empty_is_not_stored() -> None:
    assert sorted(item_of(small_job())) == sorted(
        "attempt created_at day history max_attempts payload pk purge_at queue round sk status tenant type".split()
    )


def test_a_job_is_found_by_its_id_and_listed_by_its_day() -> None:
    item = item_of(small_job())
    assert (item["pk"], item["sk"]) == ({"S": "job#019a0c4e-7d5a-7c3e-8f00-0123456789ab"}, {"S": "job"})
    assert item["day"]["S"].startswith("2026-01-01#")


def test_a_small_job_costs_one_write_unit_in_each_of_its_states() -> None:
    job = small_job()
    claim = Claim(
        envelope=envelope_of(job),
        token="Zm9vYmFy.1f",
        worker="worker-1:4711",
        now=NOW,
        lease_expires_at=NOW + 60_000,
        purge_at=NOW // 1000,
    )
    running = claim.after(job)
    ending = Settle(
        job_id=job.job_id,
        token=claim.token,
        status=Status.SUCCEEDED,
        now=NOW,
        purge_at=NOW // 1000,
        entry=Entry(NOW, "succeeded", 1, claim.worker),
        result='{"original_length":100,"uppercase":"' + "X" * 100 + '","word_count":1}',
    )
    sizes = [size(item_of(state)) for state in (job, running, ending.after(running))]
    assert max(sizes) < 1024, sizes


def test_attributes_of_a_newer_version_are_passed_over() -> None:
    made = record(Random(1))
    assert record_of({**item_of(made), "colour": {"N": "9"}, "labels": {"M": {"a": {"S": "b"}}}}) == made


@pytest.mark.parametrize(
    "changed",
    [
        {"status": {"S": "DREAMING"}},
        {"attempt": {"S": "one"}},
        {"history": {"L": [{"S": "no entry"}]}},
        {"failure": {"S": "{"}},
        {"metadata": {"N": "1"}},
    ],
)
def test_an_item_that_cannot_be_read_names_itself_and_not_its_payload(changed: dict[str, Any]) -> None:
    item = {**item_of(small_job()), "payload": {"S": '{"canary":1}'}, **changed}
    with pytest.raises(UnreadableItem, match="job#019a0c4e") as caught:
        record_of(item)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("missing", ["type", "queue", "tenant", "status", "max_attempts", "created_at", "purge_at"])
def test_an_item_without_what_every_record_has_cannot_be_read(missing: str) -> None:
    item = item_of(small_job())
    del item[missing]
    with pytest.raises(UnreadableItem, match=missing):
        record_of(item)


def test_an_item_of_something_else_cannot_be_read() -> None:
    with pytest.raises(UnreadableItem, match="without pk"):
        record_of({"id": {"S": "?"}})
    with pytest.raises(UnreadableItem, match="idempotency key"):
        key_of({"pk": {"S": "key#?"}})


def test_surrogates_in_what_an_exception_or_a_handler_said_are_replaced() -> None:
    failure = Failure(FailureKind.RAISED, "bad \udcff name", traceback="line \ud800")
    made = replace(small_job(), failure=failure, progress=Progress(1, None, "\udc80", NOW))
    read = record_of(item_of(made))
    assert read.failure == Failure(FailureKind.RAISED, "bad ? name", traceback="line ?")
    assert read.progress == Progress(1, None, "?", NOW)


def test_a_key_comes_back_as_it_was_and_outlives_its_time() -> None:
    key = KeyItem("hash", "job-1", "request-hash", NOW)
    item = key_item(key)
    assert key_of(item) == key
    assert (item["pk"], item["sk"]) == ({"S": "key#hash"}, {"S": "key"})
    assert int(item["purge_at"]["N"]) * 1000 > NOW
