"""Leads the standard library's logging (botocore, aiohttp, asyncio) into the log's own lines.

From WARNING up, or from the level that the settings name for a logger.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from structlog.typing import FilteringBoundLogger

from cqworker.observe.throttle import Throttle

LIBRARIES = ("aiobotocore", "aiohttp", "asyncio", "boto3", "botocore", "s3transfer", "urllib3")
"""Not below WARNING, whatever a plugin sets on the root logger: at DEBUG some of them write signed requests."""
ROOT = "root"
"""What the settings call the loggers that they do not name."""
REPEAT_SECONDS = 1.0
"""Seconds between two lines that a library writes from one place about one kind of error."""
MALFORMED_SECONDS = 10.0
"""Seconds between two lines about requests that are no HTTP: anybody can send thousands."""
NO_LEVELS: Mapping[str, str] = MappingProxyType({})
_LEVEL_NUMBERS = logging.getLevelNamesMapping()


class RootLogHandler(logging.Handler):
    """A handler on the root logger that writes each record as a line of the log."""

    def __init__(
        self,
        logger: FilteringBoundLogger,
        level: int,
        monotonic: Callable[[], float] = time.monotonic,
        levels: Mapping[str, str] = NO_LEVELS,
    ) -> None:
        """`level` is the least of loggers that `levels` does not name, itself or one above it."""
        super().__init__()
        self._logger = logger
        self._lowest_levels = {"": level} | dict.fromkeys(LIBRARIES, level)
        self._lowest_levels |= {
            "" if name == ROOT else name: _LEVEL_NUMBERS[least.upper()] for name, least in levels.items()
        }
        self._repeated = Throttle(REPEAT_SECONDS, monotonic)
        self._malformed = Throttle(MALFORMED_SECONDS, monotonic)
        self._levels: dict[str, int] = {}
        self.addFilter(lambda record: record.levelno >= self._lowest_level(record.name))

    def install(self) -> None:
        """Adds itself to the root logger, and sets the levels of the libraries and of the loggers in the settings."""
        for name, level in self._lowest_levels.items():
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.setLevel(level)
        logging.getLogger().addHandler(self)

    def _lowest_level(self, name: str) -> int:
        """Of the logger itself, or of the nearest above it: what a plugin sets on its own loggers is not asked."""
        while name and name not in self._lowest_levels:
            name = name.rpartition(".")[0]
        return self._lowest_levels[name]

    def remove(self) -> None:
        """Leaves logging as it was before install()."""
        logging.getLogger().removeHandler(self)
        while self._levels:
            name, level = self._levels.popitem()
            logging.getLogger(name).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if _is_malformed_request(record, error):
            self._write_malformed(record, error)
            return
        suppressed = 0
        if record.name.partition(".")[0] in LIBRARIES:
            admitted = self._repeated.admit((record.name, record.pathname, record.lineno, type(error)))
            if admitted is None:
                return
            suppressed = admitted
        write = self._method_for(record.levelno)
        counted = {"suppressed": suppressed} if suppressed else {}
        traced = {"exc_info": error} if error is not None else {}
        write("library message", logger=record.name, message=_message_of(record), **counted, **traced)

    def _method_for(self, level: int) -> Callable[..., object]:
        if level >= logging.ERROR:
            return self._logger.error
        if level >= logging.WARNING:
            return self._logger.warning
        return self._logger.info if level >= logging.INFO else self._logger.debug

    def _write_malformed(self, record: logging.LogRecord, error: BaseException | None) -> None:
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
