"""What a client makes of a job that an API shows."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from cqworker.client import HistoryEntry, JobFailure, JobProgress, Status
from cqworker.model.view_reader import job_from
from tests.rails.test_earlier_versions import VIEW

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_texts_become_what_they_say() -> None:
    job = job_from(VIEW)
    assert (job.status, job.tags, job.created_at) == (Status.RETRYING, ("a", "b"), AT)
    assert job.failure == JobFailure("raised", "boom", "ValueError", "handler", "Traceback")
    assert job.history == (HistoryEntry(AT, "submitted", None, None, None),)
    assert (job.finished_at, job.payload_ref) == (None, None)


def test_a_number_that_is_whole_stays_so() -> None:
    progress = job_from(VIEW).progress
    assert isinstance(progress, JobProgress)
    assert str(progress.done) == "3"


def test_payload_and_result_stay_as_json_has_them() -> None:
    said: dict[str, Any] = {"at": "2026-01-01T00:00:00.000Z", "status": "QUEUED", "tags": ["a", None], "n": 10**40}
    job = job_from({**VIEW, "payload": said, "result": [said]})
    assert (job.payload, job.result) == (said, [said])


def test_what_a_newer_daemon_says_beyond_it_is_left_out() -> None:
    newer: dict[str, Any] = deepcopy(VIEW) | {"colour": "red"}
    for part in (newer["progress"], newer["failure"], newer["failure"]["detail"], newer["history"][0]):
        part["colour"] = "red"
    assert job_from(newer) == job_from(VIEW)


@pytest.mark.parametrize(
    "change",
    [{"status": "PAUSED"}, {"tags": None}, {"created_at": 3}, {"failure": {"kind": "x"}}, {"history": [{}]}],
    ids=str,
)
def test_what_cannot_be_read_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        job_from({**VIEW, **change})


@pytest.mark.parametrize("name", [name for name in VIEW if not name.endswith("_ref")])
def test_a_job_that_lacks_a_field_is_refused(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        job_from({key: value for key, value in VIEW.items() if key != name})
