"""The job as people see it."""

from __future__ import annotations

import orjson

from cqworker.model.history import Entry
from cqworker.model.job_view import job_view
from cqworker.model.record import Failure, JobRecord, Progress
from cqworker.model.status import FailureKind, Status
from cqworker.web.response_models import JobView

T = 1_795_386_789_120
BARE = JobRecord(
    job_id="0192f5a8-1b2c-7d3e-8f40-123456789abc",
    type="text.transform",
    queue="cqworker",
    tenant="default",
    status=Status.QUEUED,
    max_attempts=10,
    created_at=T,
    purge_at=T // 1000 + 86_400,
)
FULL = JobRecord(
    job_id="foreign-7",
    type="text.transform",
    queue="cqworker",
    tenant="acme",
    status=Status.RETRYING,
    max_attempts=5,
    created_at=T,
    purge_at=T // 1000 + 86_400,
    round=2,
    attempt=3,
    payload='{"text":"héllo","n":1.0}',
    metadata={"order": "7"},
    tags=("a", "b"),
    token="secret.1",
    scheduled_at=T + 4000,
    started_at=T + 1000,
    progress=Progress(3, None, "reading", T + 1500),
    result_ref="s3://bucket/results/foreign-7/2-3.json",
    failure=Failure(FailureKind.RAISED, "boom", "ValueError", "handler", "Traceback …"),
    history=(
        Entry(T, "submitted"),
        Entry(T + 1000, "claimed", 0, "host:1"),
        Entry(T + 2000, "retrying", 3, "host:1", "boom"),
    ),
    trace_id="0af7651916cd43dd8448eb211c80319c",
)


def test_a_bare_job_has_every_key_and_nothing_made_up() -> None:
    assert job_view(BARE) == {
        "job_id": "0192f5a8-1b2c-7d3e-8f40-123456789abc",
        "type": "text.transform",
        "queue": "cqworker",
        "tenant": "default",
        "status": "QUEUED",
        "payload": None,
        "metadata": {},
        "tags": [],
        "round": 1,
        "attempt": 0,
        "max_attempts": 10,
        "progress": None,
        "result": None,
        "failure": None,
        "history": [],
        "created_at": "2026-11-22T22:33:09.120Z",
        "updated_at": "2026-11-22T22:33:09.120Z",
        "scheduled_at": None,
        "started_at": None,
        "finished_at": None,
        "cancel_requested_at": None,
        "trace_id": "0192f5a81b2c7d3e8f40123456789abc",
        "priority": "medium",
        "limit_key": None,
    }


def test_a_full_job_shows_what_happened_with_attempts_numbered() -> None:
    view = job_view(FULL)
    assert view["payload"] == {"text": "héllo", "n": 1.0}
    assert view["progress"] == {"done": 3, "total": None, "note": "reading", "at": "2026-11-22T22:33:10.620Z"}
    assert view["failure"] == {
        "kind": "raised",
        "message": "boom",
        "fingerprint": None,
        "detail": {"error": "ValueError", "stage": "handler", "traceback": "Traceback …"},
    }
    assert view["history"] == [
        {"at": "2026-11-22T22:33:09.120Z", "event": "submitted", "attempt": None, "worker": None, "reason": None},
        {"at": "2026-11-22T22:33:10.120Z", "event": "claimed", "attempt": 3, "worker": "host:1", "reason": None},
        {"at": "2026-11-22T22:33:11.120Z", "event": "retrying", "attempt": 3, "worker": "host:1", "reason": "boom"},
    ]
    assert view["updated_at"] == "2026-11-22T22:33:11.120Z"
    assert view["scheduled_at"] == "2026-11-22T22:33:13.120Z"
    assert view["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert view["result_ref"] == "s3://bucket/results/foreign-7/2-3.json"
    assert "payload_ref" not in view


def test_the_view_is_json_that_fits_its_description_and_keeps_the_claim_token_to_itself() -> None:
    for record in (BARE, FULL):
        text = orjson.dumps(job_view(record))
        JobView.model_validate_json(text, strict=True)
        assert b"secret" not in text
