"""What a list of jobs is asked for, as a request has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

MOST = 200
"""Jobs of one page of a list at most (docs/http.md)."""
NAMES = {"since": "from", "until": "to"}
"""What a request calls what Python has a word of its own for."""


def filters_of(**asked: Any) -> dict[str, str]:
    """The query of a request. Raises TypeError or ValueError where a value is none that a filter can have."""
    return {NAMES.get(name, name): _text(name, value) for name, value in asked.items() if value is not None}


def _text(name: str, value: object) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name}= must be a time with a zone: {value!r} may be any of 24 hours.")
        return value.isoformat()
    if not isinstance(value, str):
        what = "a text or a datetime" if name in NAMES else "a text"
        raise TypeError(f"{name}= must be {what}, not {value!r}.")
    return value
