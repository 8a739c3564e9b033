"""No secret, no forged line and no endless field gets into the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from cqworker import events as e
from cqworker.model.status import Status
from cqworker.observe.log import LogObserver
from cqworker.observe.sanitize import MAX_FIELD_BYTES
from tests.model.leaks import CANARY, HARMLESS, SECRETS
from tests.observe.conftest import Written
from tests.observe.samples import JOB, subject

OpenLog = Callable[..., Written]
FORGERIES = [
    'x"}\n{"level":"error","event":"forged"}',
    "x\r\n12:00:00.000Z [error] forged",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m C1",
    "sep\u2028arated\u2029twice\x85thrice\x0b\x0c\x1c",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "\x00\x7f",
    "lone \ud800 surrogate",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_secret_in_any_text_is_not_written(open_log: OpenLog, secret: str, format_: str) -> None:
    written = open_log(format=format_)
    LogObserver(written.log)(e.JobSettled(job=JOB, status=Status.FAILED, seconds=1.0, message=secret))
    structlog.get_logger().info(secret, nested={"deep": [secret]}, text=secret)
    assert CANARY not in written.text
    assert "redacted" in written.text
    assert JOB.job_id in written.text


def test_a_field_that_is_called_after_a_secret_is_not_written(written: Written) -> None:
    structlog.get_logger().info("x", authorization=CANARY, X_Amz_Security_Token=CANARY, headers={"X-Amz-Date": CANARY})
    structlog.get_logger().info("x", aws_secret_access_key=CANARY, SecretAccessKey=CANARY, aws_session_token=CANARY)
    assert CANARY not in written.text


@pytest.mark.parametrize("harmless", HARMLESS)
def test_harmless_words_stay(written: Written, harmless: str) -> None:
    structlog.get_logger().info("x", text=harmless)
    assert written.lines[0]["text"] == harmless


@pytest.mark.parametrize("forgery", FORGERIES)
def test_nothing_can_forge_a_line_of_json(written: Written, forgery: str) -> None:
    LogObserver(written.log)(e.JobStarted(job=subject(type=forgery, tenant=forgery), waited=0.0))
    structlog.get_logger().warning(forgery, **{forgery: forgery, "list": [forgery]})
    assert len(written.lines) == 2
    assert len(written.text.splitlines()) == 2
    assert all(character.isprintable() or character == "\n" for character in written.text)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_nothing_can_forge_a_line_on_a_terminal(open_log: OpenLog, forgery: str) -> None:
    written = open_log(format="console")
    structlog.get_logger().warning(forgery, **{forgery: forgery, "list": [forgery], "map": {forgery: forgery}})
    assert len(written.text.splitlines()) == 1
    assert all(character.isprintable() or character == "\n" for character in written.text)


def test_a_traceback_on_a_terminal_keeps_its_lines_behind_a_bar(open_log: OpenLog) -> None:
    written = open_log(format="console")
    structlog.get_logger().error("broke", exc_info=ValueError("first\n12:00:00.000Z [info] forged"))
    first, *others = written.text.splitlines()
    assert "broke" in first
    assert others
    assert all(line.startswith("  | ") for line in others)


def test_letters_of_every_script_stay(written: Written) -> None:
    structlog.get_logger().info("Grüße, 名前, 🙂", name="Ωμέγα")
    assert written.lines[0]["event"] == "Grüße, 名前, 🙂"
    assert "Ωμέγα" in written.text


@pytest.mark.parametrize(
    "huge", ["a" * 10_000, "ü" * 10_000, "?" * 1_000_000, "x-amz-" * 100_000, ["a" * 99] * 99], ids=range(5)
)
def test_a_field_is_cut_at_two_kilobytes(written: Written, huge: object) -> None:
    structlog.get_logger().info("x", huge=huge)
    [line] = written.lines
    assert 1500 < len(line["huge"].encode()) <= MAX_FIELD_BYTES
    assert "cut from" in line["huge"]


class Unsayable:
    def __str__(self) -> str:
        raise RuntimeError("no")


def _deep(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


UNUSUAL = {
    "long": 10**30,
    "too long for a string": 10**5000,
    "nan": float("nan"),
    "number as key": {1: 2},
    "set": {("a", "b")},
    "bytes": b"\xff",
    "raising": Unsayable(),
    "date": dt.date(2026, 11, 22),
    "duration": dt.timedelta(1),
    "as deep as JSON goes": _deep(253),
    "one deeper": _deep(254),
    "far too deep": _deep(100_000),
    "surrogate": ["\ud800"],
    "status": Status.FAILED,
    "error": ValueError("x"),
}


@pytest.mark.parametrize("value", UNUSUAL.values(), ids=UNUSUAL)
def test_whatever_a_handler_logs_makes_a_line(written: Written, value: object) -> None:
    structlog.get_logger().info("x", value=value)
    assert "value" in written.lines[0]
