"""What the API takes can be asked for from Python and from the command line, and comes back with the job."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from cqworker import Unique
from cqworker.cli import submit
from cqworker.cli.unique_options import UNIQUE_OPTIONS
from cqworker.client import JobView, NewJob
from cqworker.jobs.submission import Submission
from cqworker.jobs.submission_models import BatchJobAsk
from cqworker.model.status import Status
from tests.client.shop import WAYS, Shop, open_shop
from tests.rails.jobs import QUEUE, TYPE
from tests.rails.samples import samples_of

TEXT = {"text": "hello"}
TAKEN = set(BatchJobAsk.model_fields)
"""What POST /jobs/batch takes for a job; a single one has its key in a header."""
OF_THE_CALLER = {"tenant", "traceparent"}
"""Fields of a submission that nobody asks for: the token and the trace header say them."""
IN_PYTHON = {
    "key": "idempotency_key",
    "delay": "delay_seconds",
    "debounce": "debounce_seconds",
    "max_wait": "max_wait_seconds",
}
ON_THE_COMMAND_LINE = {"type_": "type", "key": "idempotency_key", **dict.fromkeys(UNIQUE_OPTIONS, "unique")}
NOT_OF_THE_JOB = {"batch", "wait", "as_json", "config", "url", "token"}
"""What `cqworker submit` takes beside the job."""
OTHERWISE_SHOWN = {
    *("idempotency_key", "delay_seconds", "run_at", "payload", "unique", "on_duplicate"),
    *("debounce_seconds", "max_wait_seconds"),
}
NO_DEBOUNCE: dict[str, Any] = {"debounce": 0, "max_wait": None}
JOB = NewJob(
    **samples_of(NewJob, type=TYPE, payload=TEXT, queue=QUEUE, delay=7, run_at=None, priority="high", **NO_DEBOUNCE)
)


@pytest.fixture(params=WAYS)
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(request.param) as opened:
        yield opened


def test_what_the_api_takes_is_what_a_submission_is_made_of() -> None:
    assert {field.name for field in dataclasses.fields(Submission)} - OF_THE_CALLER == TAKEN


def test_all_of_it_can_be_said_in_python() -> None:
    assert {IN_PYTHON.get(field.name, field.name) for field in dataclasses.fields(NewJob)} == TAKEN


def test_all_of_it_can_be_said_on_the_command_line() -> None:
    said = {str(option.name) for option in submit.submit.params} - NOT_OF_THE_JOB
    assert {ON_THE_COMMAND_LINE.get(name, name) for name in said} == TAKEN
    assert {*submit.JOB_OPTIONS} == said - {"type_", "payload"} | {"wait"}, "--batch goes with no option of a job"
    values: dict[str, object] = {name: name for name in said - {"type_", "payload"}}
    values |= {"unique_by": ("text",), "unique_text": None}
    body = orjson.loads(submit._body(TYPE, {**values, "payload": '{"text":"hello"}'}))
    assert body.keys() == TAKEN - {"idempotency_key"}


async def test_a_job_asked_for_with_everything_comes_back_with_everything(shop: Shop) -> None:
    said = {field.name: getattr(JOB, field.name) for field in dataclasses.fields(JOB)}
    one = await shop.client.submit(said.pop("type"), said.pop("payload"), **said)
    [other] = await shop.client.submit_many(
        [dataclasses.replace(JOB, key="another", unique=Unique("another", window=5))]
    )
    assert isinstance(other, JobView)
    for job in (one, other):
        assert job.payload == TEXT
        assert job.unique_scope == "window"
        assert job.scheduled_at is not None
        assert (job.scheduled_at - job.created_at).total_seconds() == JOB.delay
        assert {name: shown(job, name) for name in TAKEN - OTHERWISE_SHOWN} == {
            name: getattr(JOB, name) for name in TAKEN - OTHERWISE_SHOWN
        }
    again = await shop.client.submit_many([JOB])
    assert [job.job_id for job in again if isinstance(job, JobView)] == [one.job_id]


async def test_a_time_that_was_asked_for_is_the_job_s(shop: Shop) -> None:
    moment = datetime.now(timezone(timedelta(hours=-5))).replace(microsecond=0) + timedelta(days=3)
    one = await shop.client.submit(TYPE, TEXT, run_at=moment)
    [other] = await shop.client.submit_many([NewJob(TYPE, TEXT, run_at=moment)])
    assert isinstance(other, JobView)
    assert [(job.status, job.scheduled_at) for job in (one, other)] == [(Status.SCHEDULED, moment)] * 2


def shown(job: JobView, name: str) -> Any:
    value = getattr(job, name)
    return list(value) if isinstance(value, tuple) else value
