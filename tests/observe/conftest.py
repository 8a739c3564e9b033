"""A log in memory for each test."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import orjson
import pytest

from cqworker.observe.log import Log, configure
from cqworker.settings.log_settings import LogSettings


class Written:
    """A log in JSON, and what was written to it."""

    def __init__(self, log: Log, stream: io.BytesIO) -> None:
        self.log = log
        self.stream = stream

    @property
    def lines(self) -> list[dict[str, Any]]:
        self.log.flush()
        return [orjson.loads(line) for line in self.stream.getvalue().split(b"\n")[:-1]]

    @property
    def text(self) -> str:
        self.log.flush()
        return self.stream.getvalue().decode()


@pytest.fixture
def open_log() -> Iterator[Callable[..., Written]]:
    """Opens logs of the given settings; each is closed in the end."""
    with ExitStack() as stack:

        def opened(**settings: Any) -> Written:
            stream = io.BytesIO()
            log = configure(LogSettings(**{"format": "json", **settings}), "host:77", stream, colors=False)
            stack.enter_context(closing(log))
            return Written(log, stream)

        yield opened


@pytest.fixture
def written(open_log: Callable[..., Written]) -> Written:
    return open_log()
