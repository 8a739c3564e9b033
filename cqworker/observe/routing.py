"""Leads the standard library's logging (botocore, aiohttp, asyncio) into the log's own lines, from WARNING up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from cqworker.observe.throttle import Throttle

LIBRARIES = ("aiobotocore", "aiohttp", "asyncio", "boto3", "botocore", "s3transfer", "urllib3")
"""Never below WARNING, whatever a plugin sets on the root logger: at DEBUG some of them write signed requests."""
FLOOD_INTERVAL = 1.0
"""Seconds between two lines that a library writes from one place about one kind of error."""
MALFORMED_INTERVAL = 10.0
"""Seconds between two lines about requests that are no HTTP: anybody can send thousands."""


class Route(logging.Handler):
    """A handler on the root logger that says each record as a line of ours."""

    def __init__(
        self, logger: FilteringBoundLogger, level: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(level)
        self._logger = logger
        self._repeated = Throttle(FLOOD_INTERVAL, monotonic)
        self._malformed = Throttle(MALFORMED_INTERVAL, monotonic)
        self._levels: dict[str, int] = {}

    def install(self) -> None:
        """Takes a place on the root logger and quiets the libraries."""
        for name in ("", *LIBRARIES):
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.setLevel(logging.WARNING)
        logging.getLogger().addHandler(self)

    def remove(self) -> None:
        """Leaves logging as it was before install()."""
        logging.getLogger().removeHandler(self)
        while self._levels:
            name, level = self._levels.popitem()
            logging.getLogger(name).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if _is_malformed_request(record, error):
            self._say_malformed(record, error)
            return
        suppressed = 0
        if record.name.partition(".")[0] in LIBRARIES:
            admitted = self._repeated.admit((record.name, record.pathname, record.lineno, type(error)))
            if admitted is None:
                return
            suppressed = admitted
        say = self._logger.error if record.levelno >= logging.ERROR else self._logger.warning
        counted = {"suppressed": suppressed} if suppressed else {}
        traced = {"exc_info": error} if error is not None else {}
        say("library message", logger=record.name, message=_message_of(record), **counted, **traced)

    def _say_malformed(self, record: logging.LogRecord, error: BaseException | None) -> None:
        suppressed = self._malformed.admit(record.name)
        if suppressed is not None:
            counted = {"suppressed": suppressed} if suppressed else {}
            self._logger.info("malformed HTTP request", logger=record.name, message=str(error), **counted)


def _is_malformed_request(record: logging.LogRecord, error: BaseException | None) -> bool:
    """By the class's module, for aiohttp costs a quarter of a second to import where nothing else needs it."""
    return record.name == "aiohttp.server" and any(
        kind.__module__ == "aiohttp.http_exceptions" for kind in type(error).__mro__
    )


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a record whose arguments do not fit still says something
        return str(record.msg)
