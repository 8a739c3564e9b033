"""Turns the fields of one log line into bytes: JSON for machines, columns for people on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
from structlog.dev import ConsoleRenderer
from structlog.typing import EventDict, WrappedLogger

from cqworker.model.redaction import may_hold_secret
from cqworker.observe.sanitize import MAX_FIELD_BYTES, escape, sanitize
from cqworker.platform.sd_notify import prefix_lines

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def arrange(level: str, worker: str, fields: EventDict) -> dict[str, object]:
    """The line in its order: when, how grave, what, the rest, who; a caller's field never stands in for ours."""
    line: dict[str, object] = {"timestamp": datetime.now(UTC), "level": level, "event": fields.pop("event", "")}
    line.update(fields)
    if len(line) != len(fields) + 3:
        line.update(timestamp=datetime.now(UTC), level=level)
    line["worker"] = worker
    return line


def is_plain(rendered: bytes) -> bool:
    """Whether JSON can be written as it is: short, ASCII, and without a trace of a secret."""
    short = len(rendered) <= MAX_FIELD_BYTES and rendered.isascii() and b"\x7f" not in rendered
    return short and not may_hold_secret(rendered)


class JsonLines:
    """Renders a line as one JSON object; a structlog processor, the last of its chain.

    A short ASCII line without a trace of a secret, which is nearly every line, is rendered once and is done.
    """

    def __init__(self, worker: str, prefixes: Mapping[str, str] | None = None) -> None:
        """`prefixes` are put before a line, by its level: the journal reads them."""
        self.worker = worker
        self.prefixes: Mapping[str, str] = prefixes or {}

    def __call__(self, _: WrappedLogger, level: str, fields: EventDict) -> bytes:
        return self._prepend_prefix(level, self._render(arrange(level, self.worker, fields)))

    def line(self, level: str, event: str, fields: dict[str, object]) -> bytes:
        """A line of ours, whose fields are known to stand in for nothing."""
        head: dict[str, object] = {"timestamp": datetime.now(UTC), "level": level, "event": event}
        return self._prepend_prefix(level, self._render({**head, **fields, "worker": self.worker}))

    def _prepend_prefix(self, level: str, line: bytes) -> bytes:
        return self.prefixes.get(level, "").encode() + line if self.prefixes else line

    def _render(self, line: dict[str, object]) -> bytes:
        try:
            rendered = orjson.dumps(line, option=_OPTIONS)
        except (TypeError, ValueError, RecursionError):
            return self._render_carefully(line)
        return rendered if is_plain(rendered) else self._render_carefully(line)

    def _render_carefully(self, line: dict[str, object]) -> bytes:
        sanitized = sanitize(line)
        try:
            rendered = orjson.dumps(sanitized)
        except (TypeError, ValueError, RecursionError):
            rendered = orjson.dumps(sanitize({name: str(value) for name, value in sanitized.items()}))
        return escape(rendered.decode()).encode() + b"\n"


class ConsoleLines:
    """Renders a line as columns; a structlog processor, the last of its chain."""

    def __init__(self, worker: str, *, colors: bool, prefixes: Mapping[str, str] | None = None) -> None:
        self._worker = worker
        self._prefixes = prefixes or {}
        self._columns = ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=24)

    def __call__(self, logger: WrappedLogger, level: str, fields: EventDict) -> bytes:
        line = arrange(level, self._worker, fields)
        line["timestamp"] = f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3] + "Z"
        safe = {escape(name): _printable(name, value) for name, value in sanitize(line).items()}
        shown = prefix_lines(self._prefixes.get(level, ""), str(self._columns(logger, level, safe)))
        return shown.encode("utf-8", "replace") + b"\n"

    def line(self, level: str, event: str, fields: dict[str, object]) -> bytes:
        """As JsonLines.line."""
        return self(None, level, {"event": event, **fields})


def _printable(name: str, value: object) -> object:
    """A traceback keeps its lines, each behind a bar that tells it from a line of the log."""
    if name == "exception" and isinstance(value, str):
        return "\n".join(f"  | {escape(line)}" for line in value.split("\n"))
    return escape(value) if isinstance(value, str) else value
