"""What the log says of each event, at which level, in which form."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from cqworker import events as e
from cqworker.model.status import FailureKind, Status
from cqworker.observe.event_wording import DEBUG_WORDING, UNLOGGED, WORDING
from cqworker.observe.log import LogObserver, configure
from cqworker.settings.log_settings import LogSettings
from tests.observe.conftest import Written
from tests.observe.samples import EVENT_CLASSES, JOB, TurnedClock, sample_of

JOB_FIELDS = {"job_id", "type", "attempt", "round", "queue", "tenant", "worker", "trace_id"}
OpenLog = Callable[..., Written]


def test_every_class_of_event_has_one_row() -> None:
    rows = [set(WORDING), set(DEBUG_WORDING), set(UNLOGGED)]
    assert set.union(*rows) == set(EVENT_CLASSES)
    assert sum(map(len, rows)) == len(EVENT_CLASSES)


@pytest.mark.parametrize("kind", [kind for kind in EVENT_CLASSES if kind not in UNLOGGED])
def test_every_event_that_is_worded_makes_one_line(open_log: OpenLog, kind: type[Any]) -> None:
    written = open_log(level="debug")
    LogObserver(written.log)(sample_of(kind))
    [line] = written.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["timestamp"])
    assert line["level"] in {"debug", "info", "warning", "error"}
    assert line["event"]
    assert line["worker"] == "host:77"
    if issubclass(kind, e.JobEvent):
        assert line.keys() >= JOB_FIELDS
        assert line["trace_id"] == JOB.trace_id


@pytest.mark.parametrize("kind", [*DEBUG_WORDING, *sorted(UNLOGGED, key=lambda kind: kind.__name__)])
def test_routine_is_silent_at_level_info(written: Written, kind: type[Any]) -> None:
    LogObserver(written.log)(sample_of(kind))
    assert written.lines == []


@pytest.mark.parametrize(
    ("status", "level"),
    [("SUCCEEDED", "info"), ("CANCELLED", "info"), ("RETRYING", "warning"), ("FAILED", "error")],
)
def test_an_ending_is_as_grave_as_its_status(written: Written, status: str, level: str) -> None:
    event = e.JobSettled(job=JOB, status=Status(status), seconds=0.1234567, kind=FailureKind.TIMEOUT, message="late")
    LogObserver(written.log)(event)
    [line] = written.lines
    assert (line["level"], line["status"], line["kind"], line["message"]) == (level, status, "timeout", "late")
    assert line["seconds"] == 0.123457


def test_what_is_absent_is_left_out(written: Written) -> None:
    LogObserver(written.log)(e.JobSettled(job=JOB, status=Status.SUCCEEDED, seconds=1.0))
    assert written.lines[0].keys() == JOB_FIELDS | {"timestamp", "level", "event", "status", "seconds"}


def test_a_level_above_info_leaves_failures_only(open_log: OpenLog) -> None:
    written = open_log(level="error")
    lines = LogObserver(written.log)
    lines(e.JobStarted(job=JOB, waited=0.1))
    lines(e.LeaseLost(job=JOB, reason="late"))
    lines(e.JobLost(job=JOB))
    assert [line["event"] for line in written.lines] == ["job lost to the dead letters"]


def test_a_service_that_is_away_makes_one_line_a_second_and_cause(written: Written) -> None:
    clock = TurnedClock()
    lines = LogObserver(written.log, clock.monotonic)
    for second in range(3):
        clock.seconds = 1000.0 + second
        for cause in ("Throttled.", "No route."):
            for _ in range(50):
                lines(e.ServiceFailed(service="sqs", doing="receiving", cause=cause, remedy="Wait."))
    assert [line.get("suppressed", 0) for line in written.lines] == [0, 0, 49, 49, 49, 49]
    assert {line["level"] for line in written.lines} == {"warning"}


def test_a_foreign_message_is_a_warning_on_its_first_visit_only(open_log: OpenLog) -> None:
    written = open_log()
    lines = LogObserver(written.log)
    for count in (1, 2, 3):
        lines(sample_of(e.ForeignMessage, sha256="ab" * 32, receive_count=count))
    assert [line["sha256"] for line in written.lines] == ["ab" * 32]


def test_a_handlers_own_logger_writes_into_the_same_lines(written: Written) -> None:
    job_log = structlog.get_logger().bind(job_id=JOB.job_id)
    with structlog.contextvars.bound_contextvars(trace_id="abc"):
        job_log.info("halfway", done=5, timestamp="forged", level="forged", worker="forged")
    job_log.debug("too much detail")
    [line] = written.lines
    assert (line["event"], line["job_id"], line["done"], line["trace_id"]) == ("halfway", JOB.job_id, 5, "abc")
    assert (line["level"], line["worker"]) == ("info", "host:77")
    assert line["timestamp"] != "forged"


def test_an_exception_comes_with_the_end_of_its_traceback(written: Written) -> None:
    try:
        raise LookupError("x" * 5000 + " the point")
    except LookupError:
        structlog.get_logger().exception("it broke")
    [line] = written.lines
    assert line["level"] == "error"
    assert line["exception"].endswith("the point")
    assert len(line["exception"].encode()) <= 2048


def test_a_closed_log_leaves_structlog_and_logging_as_they_were() -> None:
    before = (structlog.is_configured(), logging.getLogger().level, list(logging.getLogger().handlers))
    levels = logging.getLogger("botocore").level
    log = configure(LogSettings(format="json"), "w", io.BytesIO())
    assert list(logging.getLogger().handlers) != before[2]
    log.close()
    log.close()
    assert (structlog.is_configured(), logging.getLogger().level, list(logging.getLogger().handlers)) == before
    assert logging.getLogger("botocore").level == levels


def test_a_terminal_gets_columns_and_anything_else_gets_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colored, plain = _said_on_a_terminal(), ""
    monkeypatch.setenv("NO_COLOR", "1")
    plain = _said_on_a_terminal()
    assert "\x1b[" in colored
    assert "\x1b[" not in plain
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3}Z \[info +\] job started", plain)
    assert f"job_id={JOB.job_id}" in plain
    assert f"trace_id={JOB.trace_id}" in plain


def _said_on_a_terminal() -> str:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as reader, os.fdopen(theirs, "w") as terminal:
        log = configure(LogSettings(), "host:77", terminal)
        LogObserver(log)(e.JobStarted(job=JOB, waited=0.1))
        log.close()
        return os.read(reader.fileno(), 4096).decode()


def test_a_process_that_logs_does_not_carry_what_only_draws_tracebacks() -> None:
    program = "import sys, cqworker.observe.log, rich; print('rich' in sys.modules, 'rich.traceback' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False"], "rich itself can still be imported"
