"""Who an event is about, from a message or a record."""

from __future__ import annotations

from cqworker.events import JobRef
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord
from cqworker.model.trace import derived_trace_id, trace_id_for


def job_ref_of(record: JobRecord) -> JobRef:
    """The job as its record has it, for an event."""
    return JobRef(
        job_id=record.job_id,
        type=record.type,
        queue=record.queue,
        tenant=record.tenant,
        round=record.round,
        attempt=record.attempt,
        trace_id=record.trace_id or derived_trace_id(record.job_id),
    )


def job_ref_of_message(envelope: Envelope, traceparent: str | None) -> JobRef:
    """The job as its message has it, for an event before its record was seen: its attempt is 0."""
    return JobRef(
        job_id=envelope.job_id,
        type=envelope.type,
        queue=envelope.queue,
        tenant=envelope.tenant,
        round=envelope.round,
        attempt=0,
        trace_id=trace_id_for(envelope.job_id, traceparent),
    )


def stored_trace_id(job_id: str, traceparent: str | None) -> str | None:
    """The trace id as the record keeps it: not at all where it can be derived from the job id."""
    if traceparent is None:
        return None
    trace_id = trace_id_for(job_id, traceparent)
    return None if trace_id == derived_trace_id(job_id) else trace_id
