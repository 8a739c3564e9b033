"""What an earlier version wrote is read for as long as queues and tables keep it: never change these texts."""

from __future__ import annotations

import json
from typing import Any

from cqworker.aws.dynamodb.items import key_of, record_of
from cqworker.model.envelope import read_envelope
from cqworker.model.status import Status
from cqworker.model.view_reader import job_from
from tests.rails.samples import NOW

MESSAGE = (
    '{"cqworker":1,"job_id":"old-7","round":2,"type":"text.transform","queue":"cqworker","tenant":"acme",'
    '"payload":{"text":"h\\u00e9llo","n":1.0},"metadata":{"order":"7"},"tags":["a","b"],"max_attempts":5,'
    f'"created_at":{NOW}}}'
)
ITEM: dict[str, dict[str, Any]] = {
    "pk": {"S": "job#old-7"},
    "sk": {"S": "job"},
    "type": {"S": "text.transform"},
    "queue": {"S": "cqworker"},
    "tenant": {"S": "acme"},
    "status": {"S": "RETRYING"},
    "payload": {"S": '{"text":"héllo","n":1.0}'},
    "token": {"S": "boot.1"},
    "trace_id": {"S": "0af7651916cd43dd8448eb211c80319c"},
    "round": {"N": "2"},
    "attempt": {"N": "3"},
    "max_attempts": {"N": "5"},
    "created_at": {"N": str(NOW)},
    "purge_at": {"N": str(NOW // 1000 + 2_592_000)},
    "scheduled_at": {"N": str(NOW + 4000)},
    "started_at": {"N": str(NOW + 1000)},
    "history": {"L": [{"S": f"{NOW} submitted 0||"}, {"S": f"{NOW + 1000} claimed 0|host:1|"}]},
    "day": {"S": "2026-01-01#0"},
    "metadata": {"S": '{"order":"7"}'},
    "tags": {"S": '["a","b"]'},
    "progress": {"S": f'{{"done":3,"note":"reading","at":{NOW + 1500}}}'},
    "failure": {"S": '{"kind":"raised","message":"boom","error":"ValueError","stage":"handler"}'},
}
KEY = {
    "pk": {"S": "key#hash"},
    "sk": {"S": "key"},
    "job_id": {"S": "old-7"},
    "request": {"S": "fingerprint"},
    "expires_at": {"N": str(NOW)},
    "purge_at": {"N": str(NOW // 1000 + 3600)},
}
VIEW = json.loads("""{
    "job_id": "old-7", "type": "text.transform", "queue": "cqworker", "tenant": "acme", "status": "RETRYING",
    "payload": {"text": "hello"}, "metadata": {"order": "7"}, "tags": ["a", "b"], "round": 2, "attempt": 3,
    "max_attempts": 5, "progress": {"done": 3, "total": null, "note": "reading", "at": "2026-01-01T00:00:01.500Z"},
    "result": null, "failure": {"kind": "raised", "message": "boom",
        "detail": {"error": "ValueError", "stage": "handler", "traceback": "Traceback"}},
    "history": [{"at": "2026-01-01T00:00:00.000Z", "event": "submitted", "attempt": null, "worker": null,
        "reason": null}],
    "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
    "scheduled_at": "2026-01-01T00:00:04.000Z", "started_at": "2026-01-01T00:00:01.000Z", "finished_at": null,
    "cancel_requested_at": null, "trace_id": "0af7651916cd43dd8448eb211c80319c"
}""")
"""As the API of version 0.1 showed a job."""


def test_a_message_of_an_earlier_version_is_read() -> None:
    read = read_envelope(MESSAGE)
    assert (read.job_id, read.round, read.tags, read.extra) == ("old-7", 2, ("a", "b"), {})


def test_a_record_of_an_earlier_version_is_read() -> None:
    read = record_of(ITEM)
    assert (read.job_id, read.status, read.attempt, len(read.history)) == ("old-7", Status.RETRYING, 3, 2)


def test_an_idempotency_key_of_an_earlier_version_is_honoured() -> None:
    assert key_of(KEY).request == "fingerprint"


def test_a_client_reads_a_job_of_an_earlier_daemon() -> None:
    """A field that came later has its default: clients are often upgraded first."""
    read = job_from(VIEW)
    assert (read.job_id, read.status, read.attempt, len(read.history)) == ("old-7", Status.RETRYING, 3, 1)
