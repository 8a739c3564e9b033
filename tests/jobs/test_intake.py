"""Jobs are taken in without HTTP: read, checked, submitted, and refused with errors that say where and why."""

from __future__ import annotations

import pickle

import orjson
import pytest

from cqworker.errors import InvalidPayload, PayloadFault, UnknownType
from cqworker.jobs.intake import JobAnswer, ReadJob, Sender, read_batch, read_each, read_one, submit_all, submit_one
from cqworker.jobs.strict_json import NotStrictJson
from cqworker.jobs.submission import Accepted, CheckedSubmission
from cqworker.jobs.submission_models import InvalidFields
from cqworker.model.json_pointer import Fault
from cqworker.plugins.registry import registry_of
from tests.web.handlers import transform
from tests.web.house import open_house

REGISTRY = registry_of(**{"text.transform": transform})
SENDER = Sender("acme", key="order 7")
TEXT = {"type": "text.transform", "payload": {"text": "hello"}}
WRONG = {"job_type": "text.transform", "params": {"text": 7}}


def read(body: object) -> ReadJob | JobAnswer:
    return read_one(orjson.dumps(body), SENDER, REGISTRY.get)


def refusal(answer: object) -> Exception:
    assert isinstance(answer, JobAnswer)
    assert isinstance(answer.outcome, Exception)
    return answer.outcome


def test_a_good_job_is_checked_and_belongs_to_its_sender() -> None:
    job = read(TEXT)
    assert isinstance(job, ReadJob)
    assert isinstance(job.submission, CheckedSubmission)
    asked = job.submission.submission
    assert (asked.tenant, asked.idempotency_key, asked.payload) == ("acme", "order 7", '{"text":"hello"}')


def test_what_is_no_strict_json_is_refused_whole() -> None:
    with pytest.raises(NotStrictJson, match="twice"):
        read_one(b'{"type": "a", "type": "b"}', SENDER, REGISTRY.get)


def test_pointers_are_written_in_the_words_of_the_client() -> None:
    answer = read(WRONG)
    assert isinstance(answer, JobAnswer)
    assert answer.pointer.to("payload", "a/b") == "/params/a~1b"
    assert refusal(read(WRONG | {"urgency": 1})).args == ("/urgency: is no field here",)


def test_pointers_of_a_batch_lead_into_its_list() -> None:
    answers = read_batch(orjson.dumps({"jobs": [TEXT, {"type": "t"}, "none"]}), SENDER, REGISTRY.get)
    assert isinstance(answers[0], ReadJob)
    faults = [error.faults for one in answers[1:] if isinstance(error := refusal(one), InvalidFields)]
    assert faults == [(Fault("/jobs/1/payload", "Field required"),), (Fault("/jobs/2", "is no object"),)]


def test_a_refusal_survives_the_way_back_from_a_child_process() -> None:
    payload, fields = (pickle.loads(pickle.dumps(read(body))) for body in (WRONG, {"type": "t"}))
    assert isinstance(error := refusal(payload), InvalidPayload)
    assert error.faults == (PayloadFault("/text", "Input should be a valid string"),)
    assert isinstance(error := refusal(fields), InvalidFields)
    assert (error.faults, str(error)) == ((Fault("/payload", "Field required"),), "/payload: Field required")


async def test_each_job_has_its_answer_whatever_became_of_the_others() -> None:
    jobs = read_each([TEXT, TEXT | {"type": "unknown"}, {}], Sender("acme"), REGISTRY.get)
    async with open_house() as house:
        submitter = house.context.submitter
        assert submitter is not None
        accepted, unknown, wrong = await submit_all(jobs, submitter)
        assert isinstance(refusal(await submit_one(jobs[1], submitter)), UnknownType)
        assert len(house.queue.bodies) == 1
    assert isinstance(accepted.outcome, Accepted)
    assert isinstance(refusal(unknown), UnknownType)
    assert isinstance(refusal(wrong), InvalidFields)
