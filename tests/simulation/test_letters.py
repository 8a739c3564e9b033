"""A record is held against the letters of its job, and nothing that is right is accused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.flow.job_ref import stored_trace_id
from cqworker.jobs.submission import Submission
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord, record_from
from cqworker.model.status import Status
from cqworker.ports import Letter
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.letters import Letters

AT = EPOCH_MS + 900_000
SENT = Envelope(
    job_id="j1",
    type="work",
    queue="jobs",
    max_attempts=3,
    created_at=EPOCH_MS + 1,
    payload="{}",
    metadata={"asked": "key"},
    priority="medium",
)
LETTER = Letter(body=SENT.text(), delay=900)
PUT = replace(
    record_from(SENT, purge_at=0, trace_id=stored_trace_id("j1", None)),
    status=Status.SCHEDULED,
    created_at=EPOCH_MS - 2_000,
    scheduled_at=AT,
    due="1",
)
"""What a repeated request puts by a clock that is two seconds behind: for that one it is more than 900 s ahead."""


def accusations(record: JobRecord, **asked: Any) -> list[str]:
    said: list[str] = []
    letters = Letters(lambda *words: said.append(" ".join(map(str, words))), lambda _: None)
    letters.handed_in("key", Submission(type="work", payload="{}", metadata=SENT.metadata, run_at=AT, **asked))
    letters.sent("jobs", LETTER)
    assert said == []
    letters.created(record)
    return said


def test_a_repeated_request_may_put_for_later_what_was_sent_already() -> None:
    assert accusations(PUT, idempotency_key="k") == []


@pytest.mark.parametrize(
    ("record", "asked", "field"),
    [
        (PUT, {}, "created_at"),
        (replace(PUT, due=None), {"idempotency_key": "k"}, "created_at"),
        (replace(PUT, type="other"), {"idempotency_key": "k"}, "type"),
    ],
    ids=["asked for once", "not put for later", "another type"],
)
def test_any_other_record_says_what_a_letter_of_its_job_says(
    record: JobRecord, asked: dict[str, Any], field: str
) -> None:
    assert accusations(record, **asked) == [f"a record was not made as its letter says: j1 {field}"]
