"""What the record knows reaches people: the view, its description, the client, the words of the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.cli.job_text import describe_job
from cqworker.jobs.submission import Accepted
from cqworker.model.history import Entry
from cqworker.model.job_view import job_view
from cqworker.model.record import Failure, JobRecord, Progress
from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339
from cqworker.model.view_reader import job_from
from cqworker.web.response_models import JobView
from tests.rails.jobs import DEFAULTS, RECORD, without
from tests.rails.samples import fields_of

UNSEEN = {
    "token": "whoever knew it could write as the attempt",
    "lease_expires_at": "a matter between workers",
    "purge_at": "a matter of the table",
    "due": "a matter of the index; scheduled_at says when",
    "replacements": "the history counts them",
    "parked": "the history says for which limit it waits",
    "hindered_at": "the history says of each hand-back what it was for",
    "listing": "what failure and history say, once more for the index",
}
"""Fields of a record that nobody is shown, and why."""
UNTOLD = UNSEEN | {
    "tenant": "the operator asked for this job by its id; --json has it",
    "trace_id": "for programs; --json has it",
    "created_at": "the timeline begins with it",
}
"""Fields that the words of `jobs show` leave out, and why."""
SEEN = [name for name in fields_of(JobRecord) if name not in UNSEEN]
TOLD = [name for name in fields_of(JobRecord) if name not in UNTOLD]
PARTS: tuple[tuple[str, type[Any]], ...] = (("progress", Progress), ("failure", Failure), ("history", Entry))
"""The parts of a view, and what of the record each of them shows."""
VIEW: dict[str, Any] = Accepted(RECORD, duplicate=True).view()


def flat(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A failure's detail beside the rest, as record and client have it."""
    return {**{name: value for name, value in shown.items() if name != "detail"}, **shown.get("detail", {})}


def as_shown(value: Any) -> Any:
    """What a client has, as the API showed it."""
    if isinstance(value, datetime):
        return rfc3339(round(value.timestamp() * 1000))
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_shown(getattr(value, field.name)) for field in fields(value)}
    return [as_shown(one) for one in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", SEEN)
def test_every_field_of_a_record_shows_in_its_view(name: str) -> None:
    assert Accepted(without(RECORD, name), duplicate=True).view() != VIEW, (
        f"job_view() does not show {name}, nor does UNSEEN say why"
    )


@pytest.mark.parametrize(("name", "kept"), PARTS)
def test_the_parts_of_a_view_have_every_field_of_what_they_show(name: str, kept: type[Any]) -> None:
    shown: Any = VIEW[name]
    part = flat(shown[0] if isinstance(shown, list) else shown)
    assert part.keys() == fields_of(kept).keys()
    assert all(part.values())


def test_a_view_has_the_public_shape_and_no_other() -> None:
    JobView.model_validate_json(json.dumps(VIEW), strict=True)


def test_a_client_reads_every_field_of_a_view() -> None:
    shown = VIEW | {"explanation": "parked on type:mail since noon"}
    read = as_shown(job_from(json.loads(json.dumps(shown))))
    assert read == shown | {"failure": flat(VIEW["failure"])}
    assert None not in read.values()


@pytest.mark.parametrize("name", TOLD)
def test_the_words_of_a_job_tell_every_field_in_some_status(name: str) -> None:
    told = any(words(record) != words(without(record, name)) for record in in_every_status())
    assert told, f"cli/job_text.py does not tell {name}, nor does UNTOLD say why"


BARE = replace(RECORD, **DEFAULTS)
"""A job of which nothing is known that may be left out."""
TOGETHER = {"started_at": "finished_at", "finished_at": "started_at"}
"""Fields that are told as one: how long it took."""


@pytest.mark.parametrize("name", [name for name in TOLD if name in DEFAULTS])
def test_the_words_of_a_job_tell_a_field_whatever_else_is_known(name: str) -> None:
    known = {each: getattr(RECORD, each) for each in (name, TOGETHER.get(name)) if each}
    told = any(words(replace(BARE, status=status, **known)) != words(replace(BARE, status=status)) for status in Status)
    assert told, f"cli/job_text.py tells {name} only where something else is known, too"


def test_the_words_of_a_job_do_not_tell_what_is_not_known() -> None:
    for status in (Status.QUEUED, Status.CANCELLED):
        assert "None" not in " ".join(words(replace(BARE, status=status)))


def words(record: JobRecord) -> list[str]:
    return list(describe_job(job_view(record)))


def in_every_status() -> Iterator[JobRecord]:
    for status in Status:
        yield replace(RECORD, status=status)
        yield replace(RECORD, status=status, payload_ref=None, result_ref=None)
