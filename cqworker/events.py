"""What can happen, as frozen records: the flow emits them, observers word and count them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cqworker.model.status import FailureKind, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The job an event is about; `attempt` is 0 before the first start."""

    job_id: str
    type: str
    queue: str
    tenant: str
    round: int
    attempt: int
    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something happened to one job."""

    job: Subject


class JobSubmitted(JobEvent):
    """A job was accepted: its message is in the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPostponed(JobEvent):
    """The message is out but the record could not be written; the claim will create it."""

    cause: str


class SubmissionReplayed(JobEvent):
    """A request repeated its idempotency key and was given the job it had made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(JobEvent):
    """A handler starts; `waited` is the time in seconds from when the job could first run."""

    waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettled(JobEvent):
    """An attempt's ending was written: a final status or RETRYING, after `seconds` in the handler."""

    status: Status
    seconds: float
    kind: FailureKind | None = None
    message: str | None = None
    retry_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobForestalled(JobEvent):
    """An ending was written in place of a start: a cancel came first, or the attempts are used up."""

    status: Status
    kind: FailureKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandedBack(JobEvent):
    """An attempt was refunded and its message given back: drain, unknown type, a limit, a newer version."""

    reason: str
    delay: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyHidden(JobEvent):
    """Another copy of a job that runs or waits elsewhere was hidden for so many seconds."""

    seconds: float


class CopyDropped(JobEvent):
    """A copy of a finished or superseded job was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRefreshed(JobEvent):
    """A message near its receive limit or its age limit was replaced by a fresh copy."""

    receive_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost(JobEvent):
    """The attempt may write nothing any more."""

    reason: str


class CancelNoticed(JobEvent):
    """The keeper saw that a cancel was asked for; the handler is being stopped."""


class CancelAsked(JobEvent):
    """Somebody asked for a cancel of this job."""


class RetryAsked(JobEvent):
    """Somebody asked for another round, or sent a stuck job's message again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerAbandoned(JobEvent):
    """A handler did not stop when told to; it keeps its slot until it ends."""

    reason: str


class AbandonedHandlerEnded(JobEvent):
    """A handler that had been abandoned ended after all; its slot is free again."""


class JobLost(JobEvent):
    """A message of ours came out of the dead-letter queue and its job was settled FAILED `lost`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A receive was answered with `count` of the `asked` messages."""

    queue: str
    asked: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMessage:
    """A message is no envelope: it is left to the redrive policy, its body is never logged, only its SHA-256."""

    queue: str
    message_id: str
    reason: str
    sha256: str
    receive_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasesRenewed:
    """A renewal round kept so many leases of a queue."""

    queue: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRefused:
    """A delete or visibility change of one message was not done."""

    queue: str
    action: str
    reason: str
    gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSeen:
    """What a queue said of its depth."""

    queue: str
    visible: int
    in_flight: int
    delayed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFailed:
    """A service did not do its part while we were `doing` something."""

    service: str
    doing: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecovered:
    """A service answers again after so many seconds."""

    service: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCalled:
    """One AWS call: `result` is "ok" or the error's code; units are what DynamoDB says it consumed."""

    service: str
    operation: str
    result: str
    seconds: float
    write_units: float = 0.0
    read_units: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsChanged:
    """How many of the worker's slots are taken."""

    taken: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlersLoopSilent:
    """The handlers' loop has not turned for so many seconds: `jobs` names who holds it, or everybody who may.

    `type` is theirs, "" when they have several; `at` is the line where the loop stands, "" when that is not known.
    """

    seconds: float
    jobs: tuple[str, ...]
    type: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlersLoopTurned:
    """The handlers' loop answered a probe `lag` seconds late."""

    lag: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginBroken:
    """A plugin cannot be used; the others can."""

    type: str
    origin: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonPhase:
    """The daemon is starting, ready, draining, or stopped."""

    phase: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundFailed:
    """A background loop's turn raised; the loop goes on after a pause."""

    loop: str
    error: str
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed:
    """An HTTP request ran into an error that no rule foresaw; `incident` is what the client was told to quote."""

    incident: str
    method: str
    route: str
    error: str
    traceback: str


Event = (
    JobEvent
    | Received
    | ForeignMessage
    | LeasesRenewed
    | ReceiptRefused
    | DepthSeen
    | ServiceFailed
    | ServiceRecovered
    | ServiceCalled
    | SlotsChanged
    | HandlersLoopSilent
    | HandlersLoopTurned
    | PluginBroken
    | DaemonPhase
    | BackgroundFailed
    | RequestFailed
)
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that looks away."""
