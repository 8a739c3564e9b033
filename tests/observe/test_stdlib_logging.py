"""The standard library's logging speaks in the log's own lines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import pairwise

import pytest
import structlog
from aiohttp.http_exceptions import BadStatusLine

from cqworker.observe.stdlib_logging import RootLogHandler
from tests.observe.conftest import Written
from tests.observe.samples import TurnedClock

OpenLog = Callable[..., Written]


def test_a_librarys_warning_is_a_line_like_any_other(written: Written) -> None:
    logging.getLogger("acme.thing").warning("disk at %d %%", 93)
    logging.getLogger("acme.thing").info("not worth a line")
    [line] = written.lines
    assert (line["level"], line["logger"], line["message"]) == ("warning", "acme.thing", "disk at 93 %")
    assert line["worker"] == "host:77"


def test_an_error_brings_its_traceback(written: Written) -> None:
    try:
        raise KeyError("gone")
    except KeyError:
        logging.getLogger("acme").exception("no luck")
    [line] = written.lines
    assert line["level"] == "error"
    assert line["exception"].endswith("KeyError: 'gone'")


def test_a_record_whose_arguments_do_not_fit_is_written_all_the_same(written: Written) -> None:
    RootLogHandler(structlog.get_logger(), logging.WARNING).handle(
        logging.makeLogRecord({"name": "acme", "levelno": 30, "msg": "%d items", "args": ("many",)})
    )
    assert written.lines[0]["message"] == "%d items"


@pytest.mark.parametrize(
    "name", ["botocore.auth", "aiobotocore", "urllib3.connectionpool", "asyncio", "aiohttp.access"]
)
def test_the_sdk_is_never_heard_below_warning(open_log: OpenLog, name: str) -> None:
    written = open_log(level="debug")
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger(name).debug("AWS4-HMAC-SHA256 secret")
    logging.getLogger(name).info("x")
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert written.lines == []


def test_at_level_error_warnings_of_libraries_are_dropped_too(open_log: OpenLog) -> None:
    written = open_log(level="error")
    logging.getLogger("acme").warning("x")
    assert written.lines == []


@pytest.fixture
def clock(written: Written) -> TurnedClock:
    """The clock of the one route, in place of the log's own."""
    clock = TurnedClock()
    written.log._route.remove()
    written.log._route = RootLogHandler(structlog.get_logger(), logging.WARNING, clock.monotonic)
    written.log._route.install()
    return clock


def test_ten_thousand_malformed_requests_make_few_lines_without_a_traceback(
    written: Written, clock: TurnedClock
) -> None:
    for _ in range(10_000):
        clock.seconds += 0.01
        error = BadStatusLine("\x1b[31m evil \n{}")
        logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)
    lines = written.lines
    assert 1 <= len(lines) <= 100
    assert {(line["level"], line["event"]) for line in lines} == {("info", "malformed HTTP request")}
    assert not any("exception" in line for line in lines)
    assert len(lines) + sum(line.get("suppressed", 0) for line in lines) > 9_000


def test_a_library_that_repeats_itself_makes_one_line_a_second(written: Written, clock: TurnedClock) -> None:
    for _ in range(300):
        clock.seconds += 0.01
        logging.getLogger("botocore.retry").warning("again")
    lines = written.lines
    assert 3 <= len(lines) <= 4
    assert all(later["suppressed"] > 90 for _, later in pairwise(lines))


def test_a_plugins_own_logger_is_not_thinned_out(written: Written, clock: TurnedClock) -> None:
    for _ in range(50):
        logging.getLogger("acme").warning("again")
    assert len(written.lines) == 50


async def test_what_asyncio_has_to_say_is_a_line(written: Written) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": "nobody looked", "exception": OSError("x")})
    [line] = written.lines
    assert line["logger"] == "asyncio"
    assert "nobody looked" in line["message"]
    assert line["exception"] == "OSError: x"


def heard(written: Written) -> list[tuple[str, str]]:
    return [(line["logger"], line["level"]) for line in written.lines]


def test_a_logger_that_the_settings_name_is_heard_from_its_own_level(open_log: OpenLog) -> None:
    written = open_log(levels={"acme": "debug", "acme.noise": "error", "other": "info"})
    for name in ("acme.orders", "acme", "acme.noise.deep", "other", "third"):
        logging.getLogger(name).debug("a")
        logging.getLogger(name).info("b")
        logging.getLogger(name).warning("c")
        logging.getLogger(name).error("d")
    assert heard(written) == [
        *(("acme.orders", level) for level in ("debug", "info", "warning", "error")),
        *(("acme", level) for level in ("debug", "info", "warning", "error")),
        ("acme.noise.deep", "error"),
        *(("other", level) for level in ("info", "warning", "error")),
        *(("third", level) for level in ("warning", "error")),
    ]
    assert {line["event"] for line in written.lines} == {"library message"}


@pytest.mark.parametrize("level", ["debug", "warning", "error"])
def test_a_loggers_own_level_goes_before_that_of_the_log(open_log: OpenLog, level: str) -> None:
    written = open_log(level=level, levels={"acme": "info"})
    logging.getLogger("acme.orders").info("x")
    logging.getLogger("acme.orders").debug("y")
    assert heard(written) == [("acme.orders", "info")]


def test_root_is_all_that_are_not_named_but_the_libraries_that_tell_secrets(open_log: OpenLog) -> None:
    written = open_log(levels={"root": "debug"})
    logging.getLogger("anybody").debug("x")
    logging.getLogger("botocore.auth").debug("AWS4-HMAC-SHA256 secret")
    logging.getLogger("botocore.auth").info("y")
    assert heard(written) == [("anybody", "debug")]


def test_a_library_may_be_heard_where_the_settings_name_it(open_log: OpenLog) -> None:
    written = open_log(levels={"botocore": "info"})
    logging.getLogger("botocore.credentials").info("Found credentials in environment variables.")
    assert heard(written) == [("botocore.credentials", "info")]


def test_what_a_plugin_sets_on_its_own_logger_is_not_asked(written: Written) -> None:
    logger = logging.getLogger("acme.plugin")
    logger.setLevel(logging.DEBUG)
    try:
        logger.debug("x")
        logger.warning("y")
    finally:
        logger.setLevel(logging.NOTSET)
    assert heard(written) == [("acme.plugin", "warning")]


def test_loggers_are_left_as_they_were(open_log: OpenLog) -> None:
    named = logging.getLogger("acme.left")
    written = open_log(levels={"acme.left": "debug"})
    assert named.level == logging.DEBUG
    written.log.close()
    assert named.level == logging.NOTSET
