"""How every event is logged: for each class its level, its text and its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cqworker import events as e
from cqworker.events.fleet_events import (
    CommandObeyed,
    CrowdingNoticed,
    FleetMeasured,
    FleetUnmeasured,
    LimitNoticed,
    LimitOrdered,
    QueueOrdered,
    QueueStateNoticed,
    WorkerFolded,
    WorkerNameTaken,
    WorkerOrdered,
)
from cqworker.events.level_events import JobReprioritised, LevelReceived, LevelStarted
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.events.loop_events import HandlerLoopBlocked, HandlerLoopProbed, MainLoopBlocked, MainLoopProbed
from cqworker.events.operation_events import OperationAsked, OperationStopped
from cqworker.events.schedule_events import JobHandedOver, JobScheduled, JobUnsendable, ShardLeft, ShardSwept
from cqworker.events.stop_events import EndingDiscarded, ReturnedAfterStop
from cqworker.events.unique_events import DuplicateMet
from cqworker.model.status import SETTLED, Status


@dataclass(frozen=True, slots=True)
class EventWording:
    """The log line of one event; of those alike in the `once_by` fields one a second is written."""

    level: str
    event: str
    fields: tuple[str, ...] = ()
    once_by: tuple[str, ...] | None = None


def _ending_wording(event: e.JobSettled) -> EventWording:
    return ENDINGS[event.status]


def _forestall_wording(event: e.JobForestalled) -> EventWording:
    level = "error" if event.status is Status.FAILED else "info"
    return EventWording(level, "job ended before a start", ("status", "kind"))


def _foreign_wording(event: e.ForeignMessage) -> EventWording:
    """It comes back until the redrive policy takes it; its first visit is worth an operator's glance."""
    level = "warning" if event.receive_count <= 1 else "debug"
    return EventWording(level, "message is no envelope", ("queue", "message_id", "reason", "sha256", "receive_count"))


def _phase_wording(event: e.DaemonPhase) -> EventWording:
    """A drain without a signal has a reason, and is an error."""
    level = "error" if event.phase == "draining" and event.detail else "info"
    return EventWording(level, f"daemon {event.phase}", ("phase", "detail"))


_ENDING_FIELDS = ("status", "seconds", "kind", "message")


def _wording_of_ending(status: Status) -> EventWording:
    match status:
        case Status.SUCCEEDED | Status.CANCELLED:
            return EventWording("info", f"job {status.lower()}", _ENDING_FIELDS)
        case Status.FAILED:
            return EventWording("error", "job failed", _ENDING_FIELDS)
        case Status.RETRYING:
            return EventWording("warning", "job will be retried", (*_ENDING_FIELDS, "retry_in"))
        case Status.SCHEDULED | Status.BLOCKED | Status.QUEUED | Status.RUNNING:
            raise ValueError(f"no attempt ends in {status}")


ENDINGS: Mapping[Status, EventWording] = {status: _wording_of_ending(status) for status in SETTLED}
STARTED = EventWording("info", "job started", ("waited",))

_LIMIT_FIELDS = ("key", "concurrency", "rate", "until", "by", "reason")
_QUEUE_FIELDS = ("queue", "state", "until", "by", "reason")

WORDING: Mapping[type, EventWording | Callable[[Any], EventWording]] = {
    e.JobSubmitted: EventWording("info", "job submitted"),
    e.RecordPostponed: EventWording("warning", "record postponed until the claim", ("cause",)),
    e.SubmissionReplayed: EventWording("info", "submission replayed"),
    DuplicateMet: EventWording("info", "submission met a job with its unique key", ("outcome",)),
    e.JobStarted: STARTED,
    e.JobSettled: _ending_wording,
    e.JobForestalled: _forestall_wording,
    e.JobHandedBack: EventWording("info", "job handed back", ("reason", "delay", "said")),
    JobReprioritised: EventWording("info", "job given another priority", ("priority",)),
    JobScheduled: EventWording("info", "job scheduled", ("at",)),
    JobUnsendable: EventWording("error", "message of a due job cannot be sent", ("reason",)),
    e.CopyRefreshed: EventWording("info", "message replaced by a fresh copy", ("receive_count",)),
    e.LeaseLost: EventWording("warning", "lease lost", ("reason",)),
    e.LeaseUnanswered: EventWording("warning", "lease unanswered"),
    e.CancelNoticed: EventWording("info", "handler is being cancelled"),
    e.CancelAsked: EventWording("info", "cancel asked for"),
    e.RetryAsked: EventWording("info", "retry asked for"),
    e.HandlerAbandoned: EventWording("error", "handler would not stop", ("reason",)),
    e.AbandonedHandlerEnded: EventWording("info", "abandoned handler ended"),
    EndingDiscarded: EventWording("warning", "ending of a handler discarded", ("reason", "ending")),
    ReturnedAfterStop: EventWording(
        "warning", "handler returned after it saw the stop: counted as given up", ("reason", "remedy")
    ),
    e.JobLost: EventWording("error", "job lost to the dead letters"),
    e.ForeignMessage: _foreign_wording,
    e.ReceiptRefused: EventWording(
        "warning", "message change refused", ("queue", "action", "reason", "gone"), ("queue", "action", "gone")
    ),
    e.ServiceFailed: EventWording(
        "warning", "service unavailable", ("service", "doing", "cause", "remedy"), ("service", "cause")
    ),
    e.ItemFailed: EventWording(
        "warning", "one item cannot be used", ("service", "doing", "cause", "remedy"), ("cause",)
    ),
    e.ServiceRecovered: EventWording("info", "service answers again", ("service", "seconds")),
    HandlerLoopBlocked: EventWording("error", "handlers' loop is blocked", ("seconds", "jobs", "at"), ()),
    MainLoopBlocked: EventWording("warning", "main loop stood still", ("seconds",), ()),
    e.JobLeftRunning: EventWording("warning", "job left RUNNING", ("remedy",)),
    e.JobTakenOver: EventWording("warning", "attempt before this one came to no end", ("former", "seconds")),
    e.HandlerLoaded: EventWording("info", "handler loaded", ("type", "origin", "distribution", "version")),
    e.PluginBroken: EventWording("error", "plugin cannot be used", ("type", "origin", "cause", "remedy")),
    e.DaemonPhase: _phase_wording,
    e.BackgroundFailed: EventWording(
        "error", "background loop failed", ("loop", "error", "traceback"), ("loop", "error")
    ),
    SubmissionsLimited: EventWording(
        "info", "submissions beyond the rate", ("limit", "name", "count"), ("limit", "name")
    ),
    QueueOrdered: EventWording("warning", "queue ordered to stand otherwise", _QUEUE_FIELDS),
    QueueStateNoticed: EventWording("info", "queue stands otherwise from now on", _QUEUE_FIELDS),
    OperationAsked: EventWording(
        "warning", "operation asked for", ("operation", "act", "tenant", "by", "reason", "filter", "jobs", "rate")
    ),
    OperationStopped: EventWording("error", "operation stopped itself", ("operation", "act", "by", "why", "done")),
    LimitOrdered: EventWording("warning", "limit ordered", _LIMIT_FIELDS),
    LimitNoticed: EventWording("info", "limit stands otherwise from now on", _LIMIT_FIELDS),
    CrowdingNoticed: EventWording("warning", "limits for which no more jobs may wait", ("limits", "tenants")),
    WorkerOrdered: EventWording("warning", "worker ordered", ("member", "command", "revision", "by")),
    CommandObeyed: EventWording("warning", "command obeyed", ("command", "revision")),
    WorkerNameTaken: EventWording("warning", "name is taken by a live worker", ("name", "instead")),
    WorkerFolded: EventWording("info", "worker removed from the registry", ("member", "state")),
    e.RequestFailed: EventWording("error", "request failed", ("incident", "method", "route", "error", "traceback")),
}

DEBUG_WORDING: Mapping[type, EventWording] = {
    JobHandedOver: EventWording("debug", "job handed over", ("ahead",)),
    ShardLeft: EventWording("debug", "due jobs left to others", ("shard",)),
    ShardSwept: EventWording("debug", "due jobs swept", ("shard", "sent", "overdue")),
    FleetMeasured: EventWording(
        "debug", "fleet measured", ("live", "silent", "slots", "busy", "backlog", "desired", "oldest")
    ),
    e.CopyHidden: EventWording("debug", "copy hidden", ("seconds",)),
    e.CopyDropped: EventWording("debug", "copy dropped"),
    e.ReceiveAnswered: EventWording("debug", "messages received", ("queue", "asked", "count")),
    LevelReceived: EventWording("debug", "level received", ("queue", "priority", "oldest")),
    LevelStarted: EventWording("debug", "level started a job", ("queue", "priority")),
    e.LeasesRenewed: EventWording("debug", "leases renewed", ("queue", "count")),
    e.DepthMeasured: EventWording("debug", "queue depth", ("queue", "visible", "in_flight", "delayed")),
    e.ServiceCalled: EventWording(
        "debug", "service called", ("service", "operation", "result", "seconds", "write_units", "read_units")
    ),
    MainLoopProbed: EventWording("debug", "main loop turned", ("lag",)),
    HandlerLoopProbed: EventWording("debug", "handlers' loop answered", ("lag",)),
}
"""Written at level debug only, and not even looked at above it."""

UNLOGGED: frozenset[type] = frozenset({e.SlotsChanged, FleetUnmeasured})
"""Never written: a gauge shows it better."""
