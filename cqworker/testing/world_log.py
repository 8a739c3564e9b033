"""What the log of a daemon would say, line by line, as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cqworker.events import Event
from cqworker.observe.event_wording import WORDING, EventWording
from cqworker.observe.log import fields_of


def log_lines(events: Iterable[Event]) -> list[dict[str, Any]]:
    """A line for each of the events that make one at the level INFO: `level`, `event`, and what it says of the job."""
    return [line for event in events if (line := _line_of(event)) is not None]


def _line_of(event: Event) -> dict[str, Any] | None:
    wording = WORDING.get(type(event))
    if wording is None:
        return None
    if not isinstance(wording, EventWording):
        wording = wording(event)
    if wording.level == "debug":
        return None
    return {"level": wording.level, "event": wording.event, **fields_of(event, wording.fields)}
