"""How an exception reads in one bounded line."""

from __future__ import annotations

MAX_SENTENCE = 300
"""Characters of an exception in a log line, a record's failure or an answer."""


def one_line(text: str, limit: int = MAX_SENTENCE) -> str:
    """The text on one line, without control characters and lone surrogates, at most `limit` characters of it."""
    line = " ".join(text[: 4 * limit].split())
    clean = "".join(character if character.isprintable() else "�" for character in line)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def message_of(error: BaseException) -> str:
    """The exception's message on one line; "" where its `__str__` raises."""
    try:
        return one_line(str(error))
    except Exception:  # noqa: BLE001  # __str__ belongs to the plugin
        return ""


def summary_of(error: BaseException) -> str:
    """`Type: message` on one line, or `Type` alone where there is no message."""
    message = message_of(error)
    return one_line(f"{type(error).__name__}: {message}" if message else type(error).__name__)
