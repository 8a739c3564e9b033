"""How an exception reads in one bounded line."""

from __future__ import annotations

MAX_SENTENCE = 300


def one_line(text: str, limit: int = MAX_SENTENCE) -> str:
    """The text on one line, without control characters and lone surrogates, cut at `limit` characters."""
    line = " ".join(text[: 4 * limit].split())
    clean = "".join(character if character.isprintable() else "�" for character in line)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def message_of(error: BaseException) -> str:
    """The exception's message, or nothing when it cannot even say that."""
    try:
        return one_line(str(error))
    except Exception:  # noqa: BLE001  # __str__ belongs to the plugin
        return ""


def summary_of(error: BaseException) -> str:
    """`Type: message`."""
    words = message_of(error)
    return one_line(f"{type(error).__name__}: {words}" if words else type(error).__name__)
