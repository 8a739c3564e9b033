"""What a client is told beside the errors of cqworker.errors."""

from __future__ import annotations

from cqworker.client.job import JobView
from cqworker.errors import CqworkerError


class DaemonUnreachable(CqworkerError):
    """No daemon answered at the URL; `ambiguous`: the request may have arrived all the same."""

    def __init__(self, message: str, *, ambiguous: bool) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


class DaemonRefused(CqworkerError):
    """The daemon answered that it will not do that; the text is its own."""


class NotAdmitted(DaemonRefused):
    """The daemon wants a token, or another one."""


class JobFailed(CqworkerError):
    """The job ended without a result: `kind` is the failure's, or "cancelled"; `job` is how it stands.

    Where an ending of another status has no failure on record, `kind` is that status in small letters.
    """

    def __init__(self, job: JobView) -> None:
        self.kind = job.failure.kind if job.failure is not None else job.status.lower()
        self.message = job.failure.message if job.failure is not None else f"The job was {job.status.lower()}."
        super().__init__(f"Job {job.job_id} is {job.status}, {self.kind}: {self.message}")
        self.job = job


class JobUnfinished(CqworkerError, TimeoutError):
    """The job was not final when the time was up; `job` is how it stood then."""

    def __init__(self, job: JobView, seconds: float) -> None:
        super().__init__(f"Job {job.job_id} is {job.status} after {seconds:g} s of waiting.")
        self.job = job
