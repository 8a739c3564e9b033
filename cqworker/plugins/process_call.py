"""A handler in a process of its own: what is sent there, run there, and sent back."""

from __future__ import annotations

import traceback
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, Literal

from cqworker.children.resource_limits import limit_memory
from cqworker.errors import InvalidPayload
from cqworker.model.redaction import redacted_end
from cqworker.plugins.entry_points import GROUP, Offer, load_object
from cqworker.plugins.exception_text import message_of, one_line
from cqworker.plugins.final_errors import is_final_error
from cqworker.plugins.handler import Reject, Retry, Snooze
from cqworker.plugins.job import Job, PlainJob
from cqworker.plugins.loaded_handlers import Handler, Origin, read_handler
from cqworker.plugins.signature import Unusable

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger

MAX_LINES = 100
"""Lines of a handler's log that its process sends back: they wait in memory until it has ended."""
MAX_TRACEBACK = 8_000
"""Characters of a traceback's end; the record keeps less."""
Stage = Literal["load", "payload", "handler", "result"]


class ChildFailure(Exception):
    """The handler raised in its process: `error` is the exception's type, `message` its text, `stage` where it was.

    `traceback` is the end of the exception's own. `final`: every other attempt would raise it, too.
    """

    def __init__(self, error: str, message: str, stage: Stage, traceback: str, *, final: bool = False) -> None:
        super().__init__(f"{error}: {message}" if message else error)
        self.error = error
        self.message = message
        self.stage = stage
        self.traceback = traceback
        self.final = final


@dataclass(frozen=True, slots=True)
class ChildLine:
    """A line that the handler logged; its fields are plain values."""

    level: str
    event: str
    fields: Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOutcome:
    """What came of the run: the result's JSON text, or how it failed; and what was logged on the way."""

    result: str | None = None
    kind: Literal["returned", "retry", "snooze", "reject", "raised"] = "returned"
    error: str = ""
    message: str = ""
    stage: Stage = "handler"
    traceback: str = ""
    final: bool = False
    after: float | None = None
    lines: tuple[ChildLine, ...] = ()

    def unwrap(self) -> str:
        """The result's JSON text. Raises Retry, Snooze and Reject as the handler did, ChildFailure for others."""
        if self.kind == "retry":
            raise Retry(self.message, after=self.after)
        if self.kind == "snooze" and self.after is not None:
            raise Snooze(self.message, after=self.after)
        if self.kind == "reject":
            raise Reject(self.message)
        if self.kind == "raised" or self.result is None:
            raise ChildFailure(self.error, self.message, self.stage, self.traceback, final=self.final)
        return self.result

    def replay(self, log: FilteringBoundLogger) -> None:
        """Writes what the handler logged to a logger of this process."""
        for line in self.lines:
            getattr(log, line.level)(line.event, **line.fields)


def run_in_child(origin: str, payload: str, job: PlainJob) -> ChildOutcome:
    """Imports the handler by its origin (`package.module:function`), runs it on the payload's JSON text.

    Never raises: whatever the handler does short of ending the process is described in the outcome.
    """
    lines: list[ChildLine] = []
    stage: Stage = "load"
    try:
        handler = load_handler(origin, job.type)
        with limit_memory(job.memory):
            stage = "payload"
            model = handler.validate(payload)
            stage = "handler"
            result = _call(handler, model, Job(job, log=_logger_into(lines)))
            stage = "result"
            return ChildOutcome(result=handler.encode(result), lines=tuple(lines))
    except Retry as ending:
        return ChildOutcome(kind="retry", message=ending.reason, after=ending.after, lines=tuple(lines))
    except Snooze as ending:
        return ChildOutcome(kind="snooze", message=ending.reason, after=ending.after, lines=tuple(lines))
    except Reject as ending:
        return ChildOutcome(kind="reject", message=ending.reason, lines=tuple(lines))
    except InvalidPayload as error:
        return _outcome_of_error(error, "payload", tuple(lines))
    except BaseException as error:  # noqa: BLE001  # SystemExit, too, must not end a process that serves others
        return _outcome_of_error(error, stage, tuple(lines))


def _call(handler: Handler, model: object, job: Job) -> object:
    outcome = handler.call(model, job)
    if not isinstance(outcome, Coroutine):
        return outcome
    import asyncio  # a seventh of a process's start, which most handlers here have no use for

    return asyncio.run(outcome)


@cache
def load_handler(origin: str, type_name: str) -> Handler:
    """The handler at this origin (`package.module:function`) as its author wrote it. Raises Unusable."""
    point = EntryPoint(type_name, origin, GROUP)
    return read_handler(type_name, load_object(Offer(type_name, point)), Origin(origin, "", ""), None)


def _outcome_of_error(error: BaseException, stage: Stage, lines: tuple[ChildLine, ...]) -> ChildOutcome:
    words = str(error) if isinstance(error, Unusable | InvalidPayload) else message_of(error)
    text = "".join(traceback.format_exception(error)) if stage == "handler" else ""
    return ChildOutcome(
        kind="raised",
        error=type(error).__name__,
        message=one_line(words),
        stage=stage,
        traceback=redacted_end(text, MAX_TRACEBACK),
        final=is_final_error(error, stage),
        lines=lines,
    )


def _logger_into(lines: list[ChildLine]) -> FilteringBoundLogger:
    """A logger that puts the first MAX_LINES lines into a list: this process has no standard output of its own."""
    import structlog

    def keep(_logger: object, level: str, event: EventDict) -> EventDict:
        if len(lines) < MAX_LINES:
            words = one_line(str(event.pop("event", "")), 1000)
            lines.append(ChildLine(level, words, {str(name): _plain(value) for name, value in event.items()}))
        raise structlog.DropEvent

    logger: FilteringBoundLogger = structlog.wrap_logger(
        None,
        processors=[structlog.processors.format_exc_info, keep],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
    )
    return logger


def _plain(value: Any) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else one_line(repr(value), 1000)
