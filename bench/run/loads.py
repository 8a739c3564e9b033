"""The jobs of a load, each as its submitter would have sent and put it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from bench.run.endpoint import Endpoint
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.sqs.messages import send_request
from cqworker.model.envelope import Envelope
from cqworker.model.ids import new_job_id
from cqworker.model.record import record_from
from cqworker.model.retention import Retention
from cqworker.model.trace import traceparent_for
from cqworker.ports import Letter

RETENTION = Retention(days=30)
AT_ONCE = 2_000
"""Jobs that one request to lay them ready holds."""


@dataclass(frozen=True, slots=True)
class Load:
    """A kind of job: what tables call it, its type and its payload."""

    name: str
    type: str
    payload: str


NOOP = Load("no-op", "bench.noop", json.dumps({"text": "x" * 100}))
NAP = Load("50 ms", "bench.nap", json.dumps({"seconds": 0.05}))


def sleep_of(seconds: float) -> Load:
    """Jobs that sleep so long."""
    return Load(f"{seconds:g} s", "bench.nap", json.dumps({"seconds": seconds}))


def job_of(load: Load, queue: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A job's id, its SendMessage without the queue, and the item of its record."""
    now = round(time.time() * 1000)
    envelope = Envelope(
        job_id=new_job_id(now), type=load.type, queue=queue, max_attempts=10, created_at=now, payload=load.payload
    )
    letter = Letter(body=envelope.text(), traceparent=traceparent_for(envelope.job_id, None))
    return envelope.job_id, send_request(letter), item_of(record_from(envelope, RETENTION.purge_at(now), None))


def lay(endpoint: Endpoint, queue: str, table: str, load: Load, jobs: int) -> None:
    """Lays so many jobs ready."""
    for begin in range(0, jobs, AT_ONCE):
        made = [job_of(load, queue) for _ in range(min(AT_ONCE, jobs - begin))]
        endpoint.load(queue, table, [message for _, message, _ in made], [item for _, _, item in made])
