"""The errors that cqworker raises on purpose, whatever service or library was behind them."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Literal

Concern = Literal["service", "right", "item"]
"""What an Unavailable is about: the service as a whole, a right that the role lacks, or one item and nothing else."""

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
"""How the system says that this process, or all of them together, may open nothing more (open(2), socket(2))."""


def safe_text(error: BaseException) -> str:
    """An exception's text, even where its own `__str__` raises."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - somebody else's __str__ may raise anything
        return type(error).__name__


class CqworkerError(Exception):
    """Any error that cqworker raises on purpose; its text is fit to be shown to a person."""


class ConfigurationError(CqworkerError):
    """The configuration cannot be used; `faults` lists every mistake that was found, each with its cure."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class PluginConflict(ConfigurationError):
    """Two different objects claim one job type; the text names both and how to choose one."""


class Unavailable(CqworkerError):
    """A service did not do what was asked, for a reason that has nothing to do with the job.

    `service` is "sqs", "dynamodb" or "s3", or "credentials" where none of them could be asked for want of keys;
    `cause` and `remedy` are sentences for an operator.
    `ambiguous` says that the request may have been applied although no answer came (a timeout, a 500, a
    connection lost after sending); where it is False the request was certainly not applied.
    `concerns`: a "right" that is refused stays refused until somebody grants it, whatever else the service does; an
    "item" leaves every other one alone.
    """

    def __init__(
        self, service: str, cause: str, remedy: str, *, ambiguous: bool = False, concerns: Concern = "service"
    ) -> None:
        super().__init__(f"{cause} {remedy}".strip())
        self.service = service
        self.cause = cause
        self.remedy = remedy
        self.ambiguous = ambiguous
        self.concerns = concerns


CREDENTIALS = "credentials"
"""The service of an Unavailable that came about before any other was asked."""


class RecordUnreadable(Unavailable):
    """The store answered with a record that this version cannot read; asking again brings the same answer."""

    def __init__(self, service: str, cause: str, remedy: str, *, ambiguous: bool = False) -> None:
        super().__init__(service, cause, remedy, ambiguous=ambiguous, concerns="item")


class ArtifactMissing(CqworkerError):
    """There is no object at this reference."""


class ArtifactTooLarge(CqworkerError):
    """The object is larger than the caller was willing to read, or than can be fetched again once it is written."""


class SourceRefused(CqworkerError):
    """The reference lies outside the configured buckets and prefixes, or is malformed."""


class ProcessNotStarted(CqworkerError):
    """There was no process for the call, which was not made: no memory, descriptor or thread, or the worker closes."""


class ProcessDied(CqworkerError):
    """The process ended in the middle of its call: a crash in native code, an exit, or out of memory."""


class ProcessTimeout(CqworkerError):
    """The call took longer than its `timeout`, or more processor time than its `cpu_time`; its process was ended."""


@dataclass(frozen=True, slots=True)
class PayloadFault:
    """One thing wrong: `pointer` says where (an RFC 6901 JSON pointer below the payload), `message` what."""

    pointer: str
    message: str


class SubmissionRefused(CqworkerError):
    """The request itself is wrong; nothing was accepted."""


class UnknownType(SubmissionRefused):
    """No enabled handler has this job type."""


class UnknownQueue(SubmissionRefused):
    """No configured queue has this name."""


class InvalidPayload(SubmissionRefused):
    """The payload does not fit the handler's model; `faults` says where and why."""

    def __init__(self, faults: tuple[PayloadFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults))
        self.faults = faults

    def __reduce__(self) -> tuple[object, ...]:
        """A child process may have found it; an exception alone would forget all but its text."""
        return type(self), (self.faults,)


class MessageTooLarge(SubmissionRefused):
    """The message would not fit into SQS even with its payload in S3."""


class KeyReused(SubmissionRefused):
    """The idempotency key was used with another request within its 24 hours."""


class DuplicateJob(CqworkerError):
    """Another job, `job_id`, has the unique key, and the submission asked to be rejected then; nothing was accepted."""

    def __init__(self, message: str, job_id: str = "") -> None:
        super().__init__(message)
        self.job_id = job_id

    def __reduce__(self) -> tuple[object, ...]:
        """It may cross processes; an exception alone would forget all but its text."""
        return type(self), (str(self), self.job_id)


class RateLimited(CqworkerError):
    """A token or a tenant submits more often than it may; nothing was accepted. `retry_after` s later it may again."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueDraining(CqworkerError):
    """The queue takes no new jobs now; nothing was accepted. `retry_after` s later it may again."""

    def __init__(self, message: str, *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


NO_ANSWER_OF = {"sqs": "The queue did not answer", "dynamodb": "The table did not answer"}
"""Whose answer was lost, by the service of the fault: the table accepts a job for later, its queue any other."""


class SendUnanswered(CqworkerError):
    """The answer of the queue, or of the table for a later time, was lost (`cause`).

    The job may or may not run under `job_id`.
    """

    def __init__(self, job_id: str, cause: Unavailable) -> None:
        what = NO_ANSWER_OF.get(cause.service, "No answer came")
        when = " at its time" if cause.service == "dynamodb" else ""
        super().__init__(
            f"{what}, so job {job_id} may run{when}. "
            "Repeat with the same Idempotency-Key; without one it may run twice."
        )
        self.job_id = job_id
        self.cause = cause


class NotProvisioned(CqworkerError):
    """The table has not got an index that this needs; the text names the command that adds it."""


class ListingRefused(SubmissionRefused):
    """Jobs cannot be listed or counted so: a filter, a limit, or a cursor that is not of this list."""


class PauseRefused(CqworkerError):
    """A queue cannot be paused for so long, or without an end; the text says for how long it can."""


class LimitRefused(CqworkerError):
    """A limit cannot be so, or there is no key of this name; the text says what to say instead."""


class WorkerNotFound(CqworkerError):
    """No daemon of this name is alive."""


class JobNotFound(CqworkerError):
    """There is no such job, or it belongs to another tenant."""


class NotAllowedNow(CqworkerError):
    """The job's present status does not admit this act."""
