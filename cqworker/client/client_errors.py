"""The errors of a client beside those of cqworker/errors.py."""

from __future__ import annotations

from typing import Literal

from cqworker.errors import CqworkerError
from cqworker.model.public_job import JobView

UnreachableReason = Literal["url", "name", "refused", "connect", "timeout", "broken", "tls", "protocol", "proxy"]
"""Why no daemon answered: see DaemonUnreachable."""


class ClientNotOpen(CqworkerError, RuntimeError):
    """The client was used where it is not open; the text says where it is, and how to open it here."""


class DaemonUnreachable(CqworkerError):
    """No daemon answered at the URL; `ambiguous`: the request may have arrived all the same.

    `reason` says why: "url" is no URL, "name" does not resolve, "refused" has nobody listening, "connect" gave no
    connection, "timeout" no answer in time, "broken" a connection that broke before it, "tls" no trusted connection,
    "protocol" something that is no HTTP, "proxy" the refusal of a proxy or load balancer before the daemon.
    """

    def __init__(self, message: str, *, ambiguous: bool, reason: UnreachableReason = "broken") -> None:
        super().__init__(message)
        self.ambiguous = ambiguous
        self.reason = reason


class DaemonRefused(CqworkerError):
    """The daemon answered that it will not do that; the text is its own."""


class NotAdmitted(DaemonRefused):
    """The daemon wants a token, or another one."""


class ProxyRefused(DaemonUnreachable, DaemonRefused):
    """A proxy or load balancer answered in the daemon's place that it cannot reach it, or will not; see `ambiguous`."""

    def __init__(self, message: str, *, ambiguous: bool) -> None:
        super().__init__(message, ambiguous=ambiguous, reason="proxy")


class JobFailed(CqworkerError):
    """The job ended without a result: `kind` is the failure's, or "cancelled"; `job` is how it stands.

    Where an ending of another status has no failure on record, `kind` is that status in small letters.
    `message` is what was wrong, in a sentence.
    """

    def __init__(self, job: JobView) -> None:
        self.kind: str = job.failure.kind if job.failure is not None else job.status.lower()
        self.message: str = job.failure.message if job.failure is not None else f"The job was {job.status.lower()}."
        super().__init__(f"Job {job.job_id} is {job.status}, {self.kind}: {self.message}")
        self.job = job


class JobUnfinished(CqworkerError, TimeoutError):
    """The job was not final when the time was up; `job` is how it stood then."""

    def __init__(self, job: JobView, seconds: float) -> None:
        super().__init__(f"Job {job.job_id} is {job.status} after {seconds:g} s of waiting.")
        self.job = job
