"""What a client does with one job, whichever way it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from cqworker.client import Client, JobFailed, JobUnfinished, JobView, NewJob
from cqworker.errors import (
    CqworkerError,
    InvalidPayload,
    JobNotFound,
    KeyReused,
    NotAllowedNow,
    PayloadFault,
    SendUnanswered,
    SubmissionRefused,
    Unavailable,
    UnknownQueue,
    UnknownType,
)
from cqworker.model.record import Failure, Progress
from cqworker.model.status import FailureKind, Status
from cqworker.ports import Letter
from tests.client.shop import TEXT, TYPE, Shop, open_shop
from tests.patience import scaled
from tests.web.house import away


async def finished(shop: Shop, result: str = '{"uppercase":"HELLO"}') -> JobView:
    """A job that has succeeded."""
    job = await shop.client.submit(TYPE, TEXT)
    shop.house.rewrite(job.job_id, Status.SUCCEEDED, result=result, attempt=1, started_at=1000, finished_at=2000)
    return job


async def test_a_job_is_submitted_with_everything_that_was_said_of_it(shop: Shop) -> None:
    job = await shop.client.submit(
        TYPE, TEXT, queue="main", delay=60, metadata={"größe": "XL"}, tags=["a", "b"], max_attempts=3
    )
    assert (job.type, job.payload, job.queue, job.tenant) == (TYPE, TEXT, "main", "default")
    assert (job.metadata, job.tags, job.max_attempts) == ({"größe": "XL"}, ("a", "b"), 3)
    assert (job.status, job.round, job.attempt, job.result, job.failure) == (Status.QUEUED, 1, 0, None, None)
    assert job.scheduled_at is not None
    assert (job.scheduled_at - job.created_at).total_seconds() == 60
    assert [entry.event for entry in job.history] == ["submitted"]
    assert await shop.client.get(job.job_id) == job
    assert orjson.loads(shop.house.queue.bodies[0])["job_id"] == job.job_id


class Model(BaseModel):
    text: str


@dataclass
class Record:
    text: str


@pytest.mark.parametrize("payload", [Model(text="naïve ☃"), Record("naïve ☃")])
async def test_a_payload_may_be_a_model_or_a_dataclass(shop: Shop, payload: object) -> None:
    assert (await shop.client.submit(TYPE, payload)).payload == {"text": "naïve ☃"}


async def test_one_key_makes_one_job(shop: Shop) -> None:
    first = await shop.client.submit(TYPE, TEXT, key="order 7")
    assert await shop.client.submit(TYPE, TEXT, key="order 7") == first
    with pytest.raises(KeyReused, match="another request"):
        await shop.client.submit(TYPE, {"text": "other"}, key="order 7")
    assert len(shop.house.queue.bodies) == 1


REFUSED: list[tuple[str, Any, dict[str, Any], type[CqworkerError], str]] = [
    ("text.tranform", TEXT, {}, UnknownType, "known types: text.transform"),
    (TYPE, TEXT, {"queue": "nope"}, UnknownQueue, "'nope'"),
    (TYPE, TEXT, {"delay": timedelta(days=367)}, SubmissionRefused, "/delay_seconds: at most 31622400"),
    (TYPE, TEXT, {"max_attempts": 0}, SubmissionRefused, "/max_attempts"),
    (TYPE, TEXT, {"tags": ["x" * 65]}, SubmissionRefused, "/tags/0"),
    (TYPE, TEXT, {"metadata": {"k": "x" * 1024}}, SubmissionRefused, "at most 1024"),
    (TYPE, TEXT, {"key": ""}, SubmissionRefused, "key"),
    (TYPE, TEXT, {"key": "tab\tbed"}, SubmissionRefused, "key"),
    (TYPE, TEXT, {"key": "line\nfeed"}, SubmissionRefused, "key"),
    (TYPE, {"text": float("nan")}, {}, SubmissionRefused, "JSON"),
    (TYPE, {"text": {1, 2}}, {}, SubmissionRefused, "set is no JSON"),
    (TYPE, {"text": 2**64}, {}, SubmissionRefused, "64 bits"),
    (TYPE, {"text": "\ud800"}, {}, SubmissionRefused, "JSON"),
]


@pytest.mark.parametrize(("job_type", "payload", "options", "error", "told"), REFUSED)
async def test_what_does_not_fit_is_refused_and_nothing_is_sent(
    shop: Shop, job_type: str, payload: Any, options: Any, error: type[CqworkerError], told: str
) -> None:
    with pytest.raises(error) as caught:
        await shop.client.submit(job_type, payload, **options)
    assert type(caught.value) is error
    assert told in str(caught.value)
    assert shop.house.queue.bodies == []


async def test_a_payload_that_does_not_fit_says_where(shop: Shop) -> None:
    with pytest.raises(InvalidPayload) as caught:
        await shop.client.submit(TYPE, {"text": 7})
    assert caught.value.faults == (PayloadFault("/text", "Input should be a valid string"),)


async def test_a_queue_that_is_away_has_accepted_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: object) -> None:
        raise away()

    monkeypatch.setattr(shop.house.queue, "send", refuse)
    with pytest.raises(Unavailable, match="Nothing was accepted") as caught:
        await shop.client.submit(TYPE, TEXT)
    assert (caught.value.service, caught.value.ambiguous) == ("sqs", False)


@pytest.mark.parametrize("ambiguous", [False, True])
async def test_straight_to_the_services_a_store_that_is_away_is_told_whole(
    monkeypatch: pytest.MonkeyPatch, ambiguous: bool
) -> None:
    async def refuse(*_: object) -> None:
        raise Unavailable("dynamodb", "The table is away.", "Run cqworker provision.", ambiguous=ambiguous)

    async with open_shop("straight") as shop:
        monkeypatch.setattr(shop.house.store, "reserve_key", refuse)
        with pytest.raises(Unavailable, match="Nothing was accepted") as alone:
            await shop.client.submit(TYPE, TEXT, key="k")
        [among_others] = await shop.client.submit_many([NewJob(TYPE, TEXT, key="k")])
    for error in (alone.value, among_others):
        assert isinstance(error, Unavailable)
        assert (error.service, error.cause) == ("dynamodb", "The table is away.")
        assert (error.remedy, error.ambiguous) == ("Run cqworker provision.", ambiguous)


async def test_straight_to_the_services_a_lost_answer_keeps_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    cause = away(ambiguous=True)

    async def fall_silent(_: object) -> None:
        raise cause

    async with open_shop("straight") as shop:
        monkeypatch.setattr(shop.house.queue, "send", fall_silent)
        with pytest.raises(SendUnanswered) as caught:
            await shop.client.submit(TYPE, TEXT)
    assert caught.value.cause is cause


async def test_straight_to_the_services_an_error_that_nobody_foresaw_is_its_own_job_s_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_shop("straight") as shop:
        send = shop.house.queue.send

        async def fail_for_one(letter: Letter) -> None:
            if "second" in letter.body:
                raise LookupError("a rule is missing")
            await send(letter)

        monkeypatch.setattr(shop.house.queue, "send", fail_for_one)
        jobs = [NewJob(TYPE, {"text": text}) for text in ("first", "second", "third")]
        first, second, third = await shop.client.submit_many(jobs)
    assert isinstance(first, JobView)
    assert isinstance(third, JobView)
    assert isinstance(second, CqworkerError)
    assert "LookupError: a rule is missing" in str(second)
    assert "may run" in str(second)


async def test_a_lost_answer_names_the_job_that_may_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fall_silent(_: object) -> None:
        raise away(ambiguous=True)

    monkeypatch.setattr(shop.house.queue, "send", fall_silent)
    with pytest.raises(SendUnanswered, match="same Idempotency-Key") as caught:
        await shop.client.submit(TYPE, TEXT)
    assert caught.value.job_id in str(caught.value)


async def test_a_lost_answer_of_the_table_is_told_as_the_table_s(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fall_silent(_: object) -> None:
        raise away("dynamodb", ambiguous=True)

    monkeypatch.setattr(shop.house.store, "write", fall_silent)
    with pytest.raises(SendUnanswered, match="The table did not answer") as caught:
        await shop.client.submit(TYPE, TEXT, delay=timedelta(hours=1))
    assert (caught.value.cause.service, caught.value.cause.ambiguous) == ("dynamodb", True)


async def test_the_result_of_a_job_is_what_its_handler_returned(shop: Shop) -> None:
    job = await finished(shop)
    assert await shop.client.result(job.job_id, timeout=scaled(5)) == {"uppercase": "HELLO"}
    seen = await shop.client.wait(job.job_id)
    assert (seen.status, seen.result) == (Status.SUCCEEDED, {"uppercase": "HELLO"})
    assert seen.started_at is not None
    assert seen.finished_at is not None
    assert (seen.finished_at - seen.started_at).total_seconds() == 1


async def test_a_result_too_big_for_its_record_is_fetched(shop: Shop) -> None:
    job = await finished(shop)
    reference = await shop.house.artifacts.put(f"{job.job_id}/1-1.json", b'["much"]', "application/json")
    shop.house.rewrite(job.job_id, Status.SUCCEEDED, result=None, result_ref=reference)
    assert await shop.client.result(job.job_id) == ["much"]


async def test_a_failed_job_has_no_result_but_a_reason(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    failure = Failure(FailureKind.REJECTED, "This was never uploaded.", "Reject", "handler", None)
    shop.house.rewrite(job.job_id, Status.FAILED, failure=failure, attempt=1)
    with pytest.raises(JobFailed, match="rejected: This was never uploaded") as caught:
        await shop.client.result(job.job_id)
    assert (caught.value.kind, caught.value.message) == ("rejected", "This was never uploaded.")
    assert caught.value.job.failure is not None
    assert (caught.value.job.failure.error, caught.value.job.failure.stage) == ("Reject", "handler")


async def test_a_cancelled_job_has_no_result_either(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    assert (await shop.client.cancel(job.job_id)).status is Status.CANCELLED
    with pytest.raises(JobFailed) as caught:
        await shop.client.result(job.job_id)
    assert caught.value.kind == "cancelled"


async def test_a_job_that_is_not_final_in_time_is_told_as_it_stands(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    progress = Progress(1, 2, "half", 1000)
    shop.house.rewrite(job.job_id, Status.RUNNING, progress=progress, lease_expires_at=2**42)
    for ask in (shop.client.wait, shop.client.result):
        with pytest.raises(TimeoutError) as caught:
            await ask(job.job_id, 0.05)
        assert isinstance(caught.value, JobUnfinished)
        assert caught.value.job.status is Status.RUNNING
        assert caught.value.job.progress is not None
        assert (caught.value.job.progress.done, caught.value.job.progress.note) == (1, "half")


async def test_a_retry_opens_a_round_once(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    with pytest.raises(NotAllowedNow):
        await shop.client.retry(job.job_id, 2)
    shop.house.rewrite(job.job_id, Status.FAILED)
    for _ in range(2):
        again = await shop.client.retry(job.job_id, 1)
        assert (again.round, again.status) == (2, Status.QUEUED)
    assert len(shop.house.queue.bodies) == 2


async def test_a_final_job_is_neither_cancelled_nor_retried_after_success(shop: Shop) -> None:
    job = await finished(shop)
    for ask in (shop.client.cancel, shop.client.retry):
        with pytest.raises(NotAllowedNow, match="SUCCEEDED"):
            await ask(job.job_id)


@pytest.mark.parametrize("job_id", ["nobody", "../status", "ü/?#", "x" * 100])
async def test_a_job_that_nobody_knows_is_not_found(shop: Shop, job_id: str) -> None:
    client = shop.client
    for ask in (client.get, client.wait, client.result, client.retry, client.cancel, client.download):
        with pytest.raises(JobNotFound):
            await ask(job_id)


async def test_a_client_that_is_not_open_says_so(shop: Shop) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client.http("http://127.0.0.1:1").get("x")
