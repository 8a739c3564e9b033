"""Messages, records and submissions with something in every field."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cqworker.enums import OnDuplicate
from cqworker.jobs.submission import Submission
from cqworker.model.envelope import Envelope
from cqworker.model.priorities import PriorityName
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.unique import Unique
from tests.rails.samples import NOW, defaults_of, fields_of, full

TYPE = "text.transform"
QUEUE = "main"
PAYLOAD = '{"text":"hello"}'
LEVELS: tuple[PriorityName, ...] = ("high", "medium", "low")
PURGE = NOW // 1000 + 2_592_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
UNIQUE = f"until_started#{0:064x}"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
MESSAGE: Envelope = full(
    Envelope,
    type=TYPE,
    queue=QUEUE,
    payload=PAYLOAD,
    payload_ref="s3://artifacts/payloads/job-id-1.json",
    unique=UNIQUE,
    extra={"newer": [1, "2"]},
    priority="high",
)
RECORD: JobRecord = full(
    JobRecord,
    status=Status.FAILED,
    priority="high",
    payload=PAYLOAD,
    result='{"n":1}',
    purge_at=PURGE,
    trace_id=TRACE,
    unique=UNIQUE,
)
SUBMISSION: Submission = full(
    Submission,
    type=TYPE,
    payload=PAYLOAD,
    queue=QUEUE,
    traceparent=TRACEPARENT,
    delay_seconds=5,
    priority="high",
    unique=Unique("x", scope="until_started"),
    on_duplicate=OnDuplicate.REPLACE,
    debounce_seconds=3,
    max_wait_seconds=60,
)
DEFAULTS = defaults_of(JobRecord)
OF_THE_MESSAGE = {"extra": "what a newer version said stays in the message, which is sent again as it came"}
"""Fields of a message that its record does not have, and why."""
OF_THE_COPY = {
    "at": "the time that this copy was sent for, which the record has as scheduled_at until it starts",
    "woken": "the limit for a free slot of which this copy was sent; the record has it as parked until it starts",
    "admitted": "the moment that one attempt has under its rates: of no use to any other copy",
}
"""Fields of a message that say something of this copy alone, and what."""
OF_THE_JOB = tuple(name for name in fields_of(Envelope) if name not in OF_THE_MESSAGE.keys() | OF_THE_COPY.keys())
"""What a job is, in every attempt and every round: the fields that message and record share."""


def without(record: JobRecord, name: str) -> JobRecord:
    """The same with this field at its default, or, where it has none, with another value."""
    return replace(record, **{name: DEFAULTS[name] if name in DEFAULTS else otherwise(getattr(record, name))})


def otherwise(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, Status):
        return Status.CANCELLED
    return value + ("x" if isinstance(value, str) else 1)
