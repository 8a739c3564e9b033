"""What every event is called in the log: one row a class, its level, its sentence and the fields that tell more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cqworker import events as e
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.events.loop_events import HandlersLoopSilent, HandlersLoopTurned, MainLoopStoodStill, MainLoopTurned
from cqworker.events.stop_events import EndingDiscarded, ReturnedAfterStop
from cqworker.model.status import SETTLED, Status


@dataclass(frozen=True, slots=True)
class Words:
    """How one event is said; of those alike in the `once_by` fields one line a second is written."""

    level: str
    event: str
    fields: tuple[str, ...] = ()
    once_by: tuple[str, ...] | None = None


def _settled(event: e.JobSettled) -> Words:
    return ENDINGS[event.status]


def _forestalled(event: e.JobForestalled) -> Words:
    level = "error" if event.status is Status.FAILED else "info"
    return Words(level, "job ended before a start", ("status", "kind"))


def _foreign(event: e.ForeignMessage) -> Words:
    """It comes back until the redrive policy takes it; its first visit is worth an operator's glance."""
    level = "warning" if event.receive_count <= 1 else "debug"
    return Words(level, "message is no envelope", ("queue", "message_id", "reason", "sha256", "receive_count"))


def _phase(event: e.DaemonPhase) -> Words:
    """A drain that nobody asked for says why, and is an error."""
    level = "error" if event.phase == "draining" and event.detail else "info"
    return Words(level, f"daemon {event.phase}", ("phase", "detail"))


_ENDING = ("status", "seconds", "kind", "message")


def _ending(status: Status) -> Words:
    match status:
        case Status.SUCCEEDED | Status.CANCELLED:
            return Words("info", f"job {status.lower()}", _ENDING)
        case Status.FAILED:
            return Words("error", "job failed", _ENDING)
        case Status.RETRYING:
            return Words("warning", "job will be retried", (*_ENDING, "retry_in"))
        case Status.SCHEDULED | Status.BLOCKED | Status.QUEUED | Status.RUNNING:
            raise ValueError(f"no attempt ends in {status}")


ENDINGS: Mapping[Status, Words] = {status: _ending(status) for status in SETTLED}
STARTED = Words("info", "job started", ("waited",))

WORDING: Mapping[type, Words | Callable[[Any], Words]] = {
    e.JobSubmitted: Words("info", "job submitted"),
    e.RecordPostponed: Words("warning", "record postponed until the claim", ("cause",)),
    e.SubmissionReplayed: Words("info", "submission replayed"),
    e.JobStarted: STARTED,
    e.JobSettled: _settled,
    e.JobForestalled: _forestalled,
    e.JobHandedBack: Words("info", "job handed back", ("reason", "delay", "said")),
    e.CopyRefreshed: Words("info", "message replaced by a fresh copy", ("receive_count",)),
    e.LeaseLost: Words("warning", "lease lost", ("reason",)),
    e.LeaseUnanswered: Words("warning", "lease unanswered"),
    e.CancelNoticed: Words("info", "handler is being cancelled"),
    e.CancelAsked: Words("info", "cancel asked for"),
    e.RetryAsked: Words("info", "retry asked for"),
    e.HandlerAbandoned: Words("error", "handler would not stop", ("reason",)),
    e.AbandonedHandlerEnded: Words("info", "abandoned handler ended"),
    EndingDiscarded: Words("warning", "ending of a handler discarded", ("reason", "ending")),
    ReturnedAfterStop: Words(
        "warning", "handler returned after it saw the stop: counted as given up", ("reason", "remedy")
    ),
    e.JobLost: Words("error", "job lost to the dead letters"),
    e.ForeignMessage: _foreign,
    e.ReceiptRefused: Words(
        "warning", "message change refused", ("queue", "action", "reason", "gone"), ("queue", "action", "gone")
    ),
    e.ServiceFailed: Words(
        "warning", "service unavailable", ("service", "doing", "cause", "remedy"), ("service", "cause")
    ),
    e.ItemFailed: Words("warning", "one item cannot be used", ("service", "doing", "cause", "remedy"), ("cause",)),
    e.ServiceRecovered: Words("info", "service answers again", ("service", "seconds")),
    HandlersLoopSilent: Words("error", "handlers' loop is blocked", ("seconds", "jobs", "at"), ()),
    MainLoopStoodStill: Words("warning", "main loop stood still", ("seconds",), ()),
    e.JobLeftRunning: Words("warning", "job left RUNNING", ("remedy",)),
    e.JobTakenOver: Words("warning", "attempt before this one came to no end", ("former", "seconds")),
    e.HandlerLoaded: Words("info", "handler loaded", ("type", "origin", "distribution", "version")),
    e.PluginBroken: Words("error", "plugin cannot be used", ("type", "origin", "cause", "remedy")),
    e.DaemonPhase: _phase,
    e.BackgroundFailed: Words("error", "background loop failed", ("loop", "error", "traceback"), ("loop", "error")),
    SubmissionsLimited: Words("info", "submissions beyond the rate", ("limit", "name", "count"), ("limit", "name")),
    e.RequestFailed: Words("error", "request failed", ("incident", "method", "route", "error", "traceback")),
}

ROUTINE: Mapping[type, Words] = {
    e.CopyHidden: Words("debug", "copy hidden", ("seconds",)),
    e.CopyDropped: Words("debug", "copy dropped"),
    e.Received: Words("debug", "messages received", ("queue", "asked", "count")),
    e.LeasesRenewed: Words("debug", "leases renewed", ("queue", "count")),
    e.DepthSeen: Words("debug", "queue depth", ("queue", "visible", "in_flight", "delayed")),
    e.ServiceCalled: Words(
        "debug", "service called", ("service", "operation", "result", "seconds", "write_units", "read_units")
    ),
    MainLoopTurned: Words("debug", "main loop turned", ("lag",)),
    HandlersLoopTurned: Words("debug", "handlers' loop answered", ("lag",)),
}
"""Written at level debug only, and not even looked at above it."""

SILENT: frozenset[type] = frozenset({e.SlotsChanged})
"""Never written: a gauge says it better."""
