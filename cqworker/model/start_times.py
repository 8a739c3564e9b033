"""When a job shall start, as people write it: a time with its offset from UTC, or a span from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cqworker.model.job_limits import MAX_PAUSE

START_TIME = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""A time as RFC 3339 writes it, which may leave out the seconds. Not every day that fits exists."""
SPAN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Seconds of what a span of time is written in."""
AS_WRITTEN = "2026-12-03T09:00:00+01:00"
"""A time as people are shown how to write one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_is_time = re.compile(START_TIME.removesuffix("$")).fullmatch
_is_span = re.compile(r"(?:[0-9]{1,9} ?[smhdw] ?)+").fullmatch
_parts_of_span = re.compile(r"([0-9]+) ?([smhdw])").findall


def start_time(text: str) -> int:
    """The epoch milliseconds of such a time, a part of one counted whole: no job shall start before its time.

    Raises ValueError with what is wrong and how to write it.
    """
    if not _is_time(text):
        if _is_time(f"{text}Z"):
            raise ValueError(f"has no offset from UTC, so that nobody knows when it is: write {text}Z, or {text}+01:00")
        raise ValueError(f"is no time: write a day, a time of day and an offset from UTC, as in {AS_WRITTEN}")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"is no time: {text[:7]} has no day {text[8:10]}") from None
    return epoch_ms(moment)


def epoch_ms(moment: datetime) -> int:
    """The epoch milliseconds of a time with an offset, a part of one counted whole."""
    return -((_EPOCH - moment) // timedelta(milliseconds=1))


def span_seconds(text: str) -> int:
    """The seconds of a span such as 90s, 3d or 1h30m, at most 366 days. Raises ValueError with how to write it."""
    if not _is_span(text):
        raise ValueError("write a number and its unit, s, m, h, d or w: 90s, 3d, 1h30m")
    seconds = sum(int(number) * SPAN_UNITS[unit] for number, unit in _parts_of_span(text))
    if seconds > MAX_PAUSE:
        raise ValueError("that is more than 366 days")
    return seconds


def span_text(seconds: float) -> str:
    """A span as people read it, in its two largest units: "2 d 3 h"; "0 s" for none."""
    left, words = max(0, round(seconds)), list[str]()
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, SPAN_UNITS[unit])
        if number or words:
            words.append(f"{number} {'min' if unit == 'm' else unit}" if number else "")
    return " ".join(filter(None, words[:2])) or "0 s"
