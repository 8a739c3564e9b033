"""Makes any value fit for a log line: secrets out, at most 2 KB a field, no character that could forge a line."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from cqworker.model.redaction import REDACTED, SECRET_NAME, redact

MAX_FIELD_BYTES = 2048
"""Bytes of UTF-8 that a field may have."""

_WINDOW = 8 * MAX_FIELD_BYTES
"""Characters that are searched for secrets before the cut: a megabyte must not hold up a loop."""
# C0 and C1 controls (ANSI escapes begin with one), line and paragraph separators, what reorders or hides text
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def shorten(text: str, *, limit: int = MAX_FIELD_BYTES, keep_end: bool = False) -> str:
    """The text redacted and, where it is longer, its first (or last) `limit` bytes of UTF-8, a mark included."""
    raw = redact(text[-_WINDOW:] if keep_end else text[:_WINDOW]).encode("utf-8", "backslashreplace")
    if len(raw) <= limit and len(text) <= _WINDOW:
        return raw.decode()
    mark = f"[… cut from {len(text)} characters]"
    room = limit - len(mark.encode())
    if keep_end:
        return mark + raw[-room:].decode("utf-8", "ignore")
    return raw[:room].decode("utf-8", "ignore") + mark


def escape(text: str) -> str:
    r"""The text with every control, separator and invisible character written as \uXXXX, which JSON reads back."""
    return text if text.isprintable() else _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def sanitize(fields: Mapping[str, object]) -> dict[str, object]:
    """The same fields, each redacted and short; never raises, whatever a caller put in."""
    return {shorten(str(name)): _sanitize_field(str(name), value) for name, value in fields.items()}


def _sanitize_field(name: str, value: object) -> object:
    """Numbers as they are, text redacted and cut, anything else as JSON, or as text where it is long or no JSON."""
    if value is None or isinstance(value, bool | float):
        return value
    if SECRET_NAME.fullmatch(name):
        return REDACTED
    if isinstance(value, int) and abs(value) < 1 << 63:
        return value
    if isinstance(value, str):
        # of a traceback the end says most
        return shorten(str.__str__(value), keep_end=name == "exception")
    return _sanitize_container(value)


def _sanitize_container(value: object) -> object:
    text = _json_of(value)
    sanitized = shorten(text)
    if sanitized != text:
        return sanitized
    try:
        sanitized_value: object = orjson.loads(text)
    except ValueError:
        return sanitized
    return sanitized_value


def _json_of(value: object) -> str:
    try:
        return orjson.dumps(value, default=_str_of, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
    except (TypeError, ValueError, RecursionError):
        return _str_of(value)


def _str_of(value: object) -> str:
    """The value's text, or its type's name where even that fails."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a handler's own __str__ may raise anything
        return f"<{type(value).__name__}>"
