"""The log: events in, one line each out; every other logger of the process is led into the same lines."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import format_exc_info
from structlog.typing import FilteringBoundLogger

from cqworker.enums import LEVELS
from cqworker.events import Event, JobEvent, JobSettled, JobStarted
from cqworker.observe.event_wording import DEBUG_WORDING, ENDINGS, STARTED, WORDING, EventWording
from cqworker.observe.job_lines import JobLines
from cqworker.observe.line_renderer import ConsoleLines, JsonLines
from cqworker.observe.log_sink import LogSink, NonBlockingOutput
from cqworker.observe.stdlib_logging import RootLogHandler
from cqworker.observe.throttle import Throttle
from cqworker.platform.sd_notify import journal_prefixes

if TYPE_CHECKING:
    from cqworker.settings.log_settings import LogSettings

CLOSE_SECONDS = 1.0
"""Seconds that the end of the process waits for a reader of the last lines: part of the two after a drain."""
REPEAT_SECONDS = 1.0
"""Seconds between two lines with one cause, for the events that say what their cause is."""


class LogObserver:
    """An observer that writes every event as one line."""

    def __init__(self, log: Log, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._throttle = Throttle(REPEAT_SECONDS, monotonic)
        self._wording = {
            kind: wording for kind, wording in {**WORDING, **DEBUG_WORDING}.items() if _may_be_written(wording, log)
        }
        self._actions: dict[type, Callable[[Any], None]] = dict.fromkeys(self._wording, self._write)
        if isinstance(log.render, JsonLines):
            endings = {status: wording for status, wording in ENDINGS.items() if log.is_written(wording.level)}
            lines = JobLines(log.render.worker, STARTED, endings, log.write, self._write, log.render.prefixes)
            self._actions[JobSettled] = lines.write_ending
            if JobStarted in self._actions:
                self._actions[JobStarted] = lines.write_start

    def action_on(self, kind: type) -> Callable[[Any], None] | None:
        """What is done about events of this class; None where they make no line at the log's level."""
        return self._actions.get(kind)

    def __call__(self, event: Event) -> None:
        action = self._actions.get(type(event))
        if action is not None:
            action(event)

    def _write(self, event: Event) -> None:
        wording = self._wording[type(event)]
        if not isinstance(wording, EventWording):
            wording = wording(event)
        fields = fields_of(event, wording.fields)
        if wording.once_by is not None:
            suppressed = self._throttle.admit((type(event), *(getattr(event, name) for name in wording.once_by)))
            if suppressed is None:
                return
            if suppressed:
                fields["suppressed"] = suppressed
        self._log.line(wording.level, wording.event, fields)


def _may_be_written(wording: EventWording | Callable[[Any], EventWording], log: Log) -> bool:
    """Whether the log's level lets these wording through; those that depend on the event may be."""
    return not isinstance(wording, EventWording) or log.is_written(wording.level)


def fields_of(event: Event, names: tuple[str, ...]) -> dict[str, Any]:
    """The job first, then what the event adds; what is absent is left out, times have microseconds."""
    fields: dict[str, Any] = {}
    if isinstance(event, JobEvent):
        job = event.job
        fields = {
            "job_id": job.job_id,
            "type": job.type,
            "attempt": job.attempt,
            "round": job.round,
            "queue": job.queue,
            "tenant": job.tenant,
            "trace_id": job.trace_id,
        }
    for name in names:
        value = getattr(event, name)
        if value is not None and value != "":
            fields["exception" if name == "traceback" else name] = (
                round(value, 6) if isinstance(value, float) else value
            )
    return fields


class Log:
    """The process's log from configure() to close(), which leaves structlog and logging as they were."""

    def __init__(self, settings: LogSettings, sink: LogSink, render: JsonLines | ConsoleLines) -> None:
        self._sink = sink
        self.render = render
        self.write: Callable[[bytes], None] = sink.write
        self._lowest = LEVELS.index(settings.level)
        wrapper = structlog.make_filtering_bound_logger(settings.level)
        self.logger: FilteringBoundLogger = structlog.wrap_logger(sink, [render], wrapper).bind()
        self._before = structlog.get_config() if structlog.is_configured() else None
        structlog.configure(
            processors=[merge_contextvars, format_exc_info, render],
            wrapper_class=wrapper,
            logger_factory=lambda *_: sink,
            cache_logger_on_first_use=False,
        )
        everything = structlog.make_filtering_bound_logger(
            LEVELS[0]
        )  # the route itself keeps back what is not to be written
        unfiltered = structlog.wrap_logger(sink, [merge_contextvars, format_exc_info, render], everything).bind()
        floor = logging.ERROR if settings.level == "error" else logging.WARNING
        self._route = RootLogHandler(unfiltered, floor, levels=settings.levels)
        self._route.install()
        atexit.register(self.close)

    @property
    def dropped(self) -> int:
        """Lines that the sink did not take, since the start."""
        return self._sink.dropped

    def is_written(self, level: str) -> bool:
        """Whether lines of this level are written."""
        return LEVELS.index(level) >= self._lowest

    def line(self, level: str, event: str, fields: dict[str, Any]) -> None:
        """Writes one line past structlog's machinery, which costs more than the line: there are two a job."""
        if self.is_written(level):
            self.write(self.render.line(level, event, fields))

    def flush(self) -> None:
        """Writes what was gathered so far, without waiting for anybody."""
        self._sink.flush()

    def close(self) -> None:
        """Writes the last lines, waiting a second for a slow reader, and lets go of the process's loggers."""
        atexit.unregister(self.close)
        self._route.remove()
        if self._before is None:
            structlog.reset_defaults()
        else:
            structlog.configure(**self._before)
        self._sink.close(CLOSE_SECONDS)


def configure(settings: LogSettings, worker: str, stream: IO[Any] | None = None, *, colors: bool | None = None) -> Log:
    """Sets up the log of this process on `stream` (standard output); `worker` stands on every line.

    Format "auto" means columns on a terminal and JSON elsewhere. Colors: as asked, else on a terminal that is not
    dumb and unless NO_COLOR is set (no-color.org).
    """
    stream = sys.stdout if stream is None else stream
    terminal = stream is not None and stream.isatty()
    if colors is None:
        colors = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    console = settings.format == "console" or (settings.format == "auto" and terminal)
    outlet = NonBlockingOutput(stream)
    prefixes = journal_prefixes(outlet.descriptor, os.environ)
    render = ConsoleLines(worker, colors=colors, prefixes=prefixes) if console else JsonLines(worker, prefixes)
    return Log(settings, LogSink(outlet, lambda dropped: _dropped_line(render, dropped)), render)


def _dropped_line(render: JsonLines | ConsoleLines, dropped: int) -> bytes:
    return render(None, "warning", {"event": "log lines were dropped", "dropped": dropped})
