"""A handler sees what its job is: in a worker, in a process and in run_handler()."""

from __future__ import annotations

import dataclasses
import pickle
import re
from typing import Any

from cqworker import Job, handler
from cqworker.plugins.job import PlainJob
from cqworker.testing import run_handler
from cqworker.testing.job_facts import JobFacts
from tests.flow.world import World, story
from tests.rails.jobs import LEVELS, OF_THE_JOB, SUBMISSION, TYPE
from tests.rails.samples import fields_of, full, lost

NOT_FOR_HANDLERS = {
    "job_id": "it is the job's id",
    "queue": "the operator's choice, which may change",
    "created_at": "waiting is no matter of a handler",
    "unique": "a matter of those who submit",
    "replacements": "as unique",
    "payload": "the handler's first argument",
    "payload_ref": "fetched before the handler starts",
}
"""Fields of a message that a handler's job does not have, and why."""
OF_THE_ATTEMPT = {"id", "attempt", "deadline", "traceparent", "memory"}
"""What a handler's job has beside its message's fields."""
PLAIN: PlainJob = full(PlainJob)


def test_a_handlers_job_has_every_field_of_its_message() -> None:
    assert fields_of(PlainJob).keys() - OF_THE_ATTEMPT == set(OF_THE_JOB) - NOT_FOR_HANDLERS.keys()


def test_a_job_shows_every_field_of_the_data_it_is_made_of() -> None:
    assert lost(PLAIN, Job(PLAIN), [*fields_of(PlainJob)]) == {}
    assert fields_of(PlainJob).keys() <= set(Job.__slots__), "help(cqworker.Job) does not say what it is"
    assert pickle.loads(pickle.dumps(PLAIN)) == PLAIN


@story
async def test_a_worker_hands_its_handler_every_field() -> None:
    seen: dict[str, Any] = {}

    @handler
    async def look(payload: dict[str, Any], job: Job) -> None:
        seen.update({name: getattr(job, name) for name in fields_of(PlainJob)})

    world = World({TYPE: look}, priorities=LEVELS)
    world.start()
    asked = dataclasses.replace(SUBMISSION, queue="jobs")
    record = (await world.office.submitter.submit(asked)).record
    ended = await world.until(record.job_id)
    shared = set(OF_THE_JOB) - NOT_FOR_HANDLERS.keys()
    assert {name: seen[name] for name in shared} == {name: getattr(ended, name) for name in shared}
    assert (seen["id"], seen["attempt"], seen["traceparent"]) == (ended.job_id, 1, SUBMISSION.traceparent)
    await world.stop()


async def test_run_handler_takes_every_field() -> None:
    seen: dict[str, Any] = {}

    @handler
    async def look(payload: dict[str, Any], job: Job) -> None:
        seen.update({name: getattr(job, name) for name in fields_of(PlainJob)})

    said = {name: getattr(PLAIN, name) for name in fields_of(PlainJob)}
    listed = re.findall(r"\w+", str(run_handler.__doc__).partition("the job's:")[2].partition(".")[0])
    assert set(listed) == said.keys(), "the docstring of run_handler()"
    assert JobFacts.__annotations__.keys() == said.keys(), "cqworker/testing/job_facts.py"
    assert [name for name in said if f"`{name}`" not in str(JobFacts.__doc__)] == [], "the docstring of JobFacts"
    await run_handler(look, {}, **said)
    assert seen == said
