"""The message that runs a job whose record is there."""

from __future__ import annotations

from cqworker.errors import NotAllowedNow
from cqworker.model.envelope import read_envelope
from cqworker.model.envelope_fields import NotAnEnvelope
from cqworker.model.record import JobRecord, envelope_of
from cqworker.model.tenants import message_group_of
from cqworker.model.trace import traceparent_for
from cqworker.ports import Letter


def letter_of(record: JobRecord, *, round_number: int | None = None, delay: int = 0) -> Letter:
    """The message of this job in its own round or in `round_number`, delayed for so many seconds.

    Raises NotAllowedNow for a record from before today's limits, which no worker takes: it would be lost.
    """
    body = envelope_of(record, round_number=round_number).text()
    try:
        read_envelope(body)
    except NotAnEnvelope as error:
        raise NotAllowedNow(f"Job {record.job_id} cannot be sent again: its {error}.") from None
    traceparent = traceparent_for(record.job_id, _traceparent(record))
    return Letter(body=body, delay=delay, traceparent=traceparent, group=message_group_of(record.tenant))


def _traceparent(record: JobRecord) -> str | None:
    """The record keeps the trace's id alone; the parent of a retry is the trace itself."""
    return f"00-{record.trace_id}-{record.trace_id[:16]}-00" if record.trace_id else None
