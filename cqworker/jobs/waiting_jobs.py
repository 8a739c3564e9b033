"""What is asked of jobs that wait: whether one still does, and who asked, as its history says it."""

from __future__ import annotations

from cqworker.errors import NotAllowedNow
from cqworker.model.record import JobRecord
from cqworker.model.status import WAITING, Status


def require_waiting(record: JobRecord, what: str) -> None:
    """Raises NotAllowedNow where the job cannot be given `what` any more, with what can be done instead."""
    if record.status in WAITING and record.cancel_requested_at is None:
        return
    state = f"is {record.status}"
    if record.status.is_final:
        mend = "submit it anew" if record.status is Status.SUCCEEDED else "retry it"
    elif record.cancel_requested_at is not None:
        state, mend = "was asked to stop", "wait for its end"
    else:
        mend = "wait for its end, or cancel it"
    raise NotAllowedNow(f"Job {record.job_id} {state}; only a job that waits can be given {what}: {mend}.")


def said_by(by: str, why: str) -> str:
    """Who asked, and what for, as the end of a history entry's reason."""
    return (f" by {by}" if by else "") + (f": {why}" if why else "")
