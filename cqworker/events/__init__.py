"""What can happen, as frozen records: the rooms emit them, observers log and count them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from cqworker.enums import Phase, ReceiptAction
from cqworker.events.fleet_events import FleetEvent
from cqworker.events.job_event import JobEvent as JobEvent
from cqworker.events.job_event import JobRef as JobRef
from cqworker.events.level_events import LevelReceived, LevelStarted
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.events.loop_events import HandlerLoopBlocked, HandlerLoopProbed, MainLoopBlocked, MainLoopProbed
from cqworker.events.operation_events import OperationEvent
from cqworker.events.schedule_events import ShardLeft, ShardSwept
from cqworker.model.status import FailureKind, Status


class JobSubmitted(JobEvent, frozen=True, kw_only=True):
    """A job was accepted: its message is in the queue, or its record in the index of due jobs."""


class RecordPostponed(JobEvent, frozen=True, kw_only=True):
    """The message is out but the record could not be written; the claim will create it."""

    cause: str


class SubmissionReplayed(JobEvent, frozen=True, kw_only=True):
    """A request repeated its idempotency key and was given the job it had made."""


class JobStarted(JobEvent, frozen=True, kw_only=True):
    """A handler starts; `waited` is the time in seconds from when the job could first run."""

    waited: float


class JobSettled(JobEvent, frozen=True, kw_only=True):
    """An attempt's ending was written: a final status or RETRYING, after `seconds` in the handler."""

    status: Status
    seconds: float
    kind: FailureKind | None = None
    message: str | None = None
    retry_in: float | None = None


class JobForestalled(JobEvent, frozen=True, kw_only=True):
    """An ending was written in place of a start: a cancel came first, or the attempts are used up."""

    status: Status
    kind: FailureKind | None = None


class JobHandedBack(JobEvent, frozen=True, kw_only=True):
    """An attempt was refunded, its message given back: drain, service away, unknown type; `said` is its message."""

    reason: str
    delay: float
    said: str = ""


class CopyHidden(JobEvent, frozen=True, kw_only=True):
    """A copy of the message of a job that runs or waits elsewhere was hidden for so many seconds."""

    seconds: float


class CopyDropped(JobEvent, frozen=True, kw_only=True):
    """A copy of the message of a finished or superseded job was deleted."""


class CopyRefreshed(JobEvent, frozen=True, kw_only=True):
    """A message near its receive limit or its age limit was replaced by a fresh copy."""

    receive_count: int


class LeaseLost(JobEvent, frozen=True, kw_only=True):
    """The attempt may write nothing any more: another one has its lease, or the record moved on."""

    reason: str


class LeaseUnanswered(JobEvent, frozen=True, kw_only=True):
    """No renewal was answered before the lease's own deadline: the handler is stopped, the record is asked again."""


class CancelNoticed(JobEvent, frozen=True, kw_only=True):
    """A renewal of the lease brought that a cancel was asked for; the handler is being stopped."""


class CancelAsked(JobEvent, frozen=True, kw_only=True):
    """Somebody asked for a cancel of this job."""


class RetryAsked(JobEvent, frozen=True, kw_only=True):
    """Somebody asked for another round, or sent a stuck job's message again."""


class HandlerAbandoned(JobEvent, frozen=True, kw_only=True):
    """A handler did not stop within its grace (`reason`: why it was to stop); it keeps its slot until it ends."""

    reason: str


class AbandonedHandlerEnded(JobEvent, frozen=True, kw_only=True):
    """A handler that had been abandoned ended after all; its slot is free again."""


class JobLost(JobEvent, frozen=True, kw_only=True):
    """A message of ours came out of the dead-letter queue and its job was settled FAILED `lost`."""


class ReceiveAnswered(Struct, frozen=True, kw_only=True):
    """A receive was answered with `count` of the `asked` messages."""

    queue: str
    asked: int
    count: int


class ForeignMessage(Struct, frozen=True, kw_only=True):
    """A message is no envelope: it is left to the redrive policy, its body is never logged, only its SHA-256."""

    queue: str
    message_id: str
    reason: str
    sha256: str
    receive_count: int


class LeasesRenewed(Struct, frozen=True, kw_only=True):
    """A renewal round kept so many leases of a queue."""

    queue: str
    count: int


class ReceiptRefused(Struct, frozen=True, kw_only=True):
    """A delete or visibility change of one message was not done."""

    queue: str
    action: ReceiptAction
    reason: str
    gone: bool


class DepthMeasured(Struct, frozen=True, kw_only=True):
    """A queue was asked for its depth: approximate counts of messages that wait, are in hand, are delayed."""

    queue: str
    visible: int
    in_flight: int
    delayed: int


class ServiceFailed(Struct, frozen=True, kw_only=True):
    """A service did not do its part while we were `doing` something."""

    service: str
    doing: str
    cause: str
    remedy: str


class ItemFailed(Struct, frozen=True, kw_only=True):
    """A service answered, but one record or object is such that it cannot be used; every other one can."""

    service: str
    doing: str
    cause: str
    remedy: str


class ServiceRecovered(Struct, frozen=True, kw_only=True):
    """A service answers again after so many seconds."""

    service: str
    seconds: float


class ServiceCalled(Struct, frozen=True, kw_only=True):
    """One AWS call: `result` is "ok" or the error's code; units are what DynamoDB says it consumed."""

    service: str
    operation: str
    result: str
    seconds: float
    write_units: float = 0.0
    read_units: float = 0.0


class SlotsChanged(Struct, frozen=True, kw_only=True):
    """How many of the worker's slots are taken now."""

    taken: int
    total: int


class JobLeftRunning(JobEvent, frozen=True, kw_only=True):
    """This worker leaves, and the job's record says RUNNING: its handler would not stop, or nobody took its ending."""

    remedy: str


class JobTakenOver(JobEvent, frozen=True, kw_only=True):
    """The attempt before this one came to no end: it was still RUNNING, claimed `seconds` ago by `former`."""

    former: str
    seconds: float


class HandlerLoaded(Struct, frozen=True, kw_only=True):
    """A job type has its handler, from this function of this distribution."""

    type: str
    origin: str
    distribution: str
    version: str


class PluginBroken(Struct, frozen=True, kw_only=True):
    """A plugin cannot be used; the others can."""

    type: str
    origin: str
    cause: str
    remedy: str


class DaemonPhase(Struct, frozen=True, kw_only=True):
    """The daemon is ready, draining, or stopped."""

    phase: Phase
    detail: str = ""


class BackgroundFailed(Struct, frozen=True, kw_only=True):
    """A background loop's turn raised; the loop goes on after a pause."""

    loop: str
    error: str
    traceback: str


class RequestFailed(Struct, frozen=True, kw_only=True):
    """An HTTP request ran into an error that no rule foresaw; `incident` is what the client was asked to quote."""

    incident: str
    method: str
    route: str
    error: str
    traceback: str


Event = (
    JobEvent
    | ReceiveAnswered
    | ForeignMessage
    | LeasesRenewed
    | ReceiptRefused
    | DepthMeasured
    | ServiceFailed
    | ItemFailed
    | ServiceRecovered
    | ServiceCalled
    | SlotsChanged
    | HandlerLoopBlocked
    | HandlerLoopProbed
    | MainLoopProbed
    | MainLoopBlocked
    | HandlerLoaded
    | PluginBroken
    | DaemonPhase
    | BackgroundFailed
    | RequestFailed
    | SubmissionsLimited
    | LevelReceived
    | LevelStarted
    | ShardLeft
    | ShardSwept
    | FleetEvent
    | OperationEvent
)
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that does nothing."""
