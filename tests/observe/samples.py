"""An event of every class, and a clock to turn."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec.structs import replace

from cqworker import events
from cqworker.events import (
    JobEvent,
    JobRef,
    fleet_events,
    level_events,
    limit_events,
    loop_events,
    operation_events,
    schedule_events,
    stop_events,
    unique_events,
)
from cqworker.model.status import FailureKind, Status

JOB = JobRef(
    job_id="0193a5b2-7c00-7abc-8def-0123456789ab",
    type="text.transform",
    queue="cqworker",
    tenant="acme",
    round=2,
    attempt=3,
    trace_id="0193a5b27c007abc8def0123456789ab",
)
EVENT_CLASSES: tuple[type[Any], ...] = tuple(
    kind
    for module in (
        events,
        fleet_events,
        level_events,
        limit_events,
        loop_events,
        operation_events,
        schedule_events,
        stop_events,
        unique_events,
    )
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if kind.__module__ == module.__name__ and kind not in (JobRef, JobEvent)
)
_VALUES: dict[object, object] = {
    JobRef: JOB,
    Status: Status.FAILED,
    FailureKind | None: FailureKind.EXHAUSTED,
    str: "word",
    str | None: "word",
    int: 7,
    float: 1.5,
    float | None: 1.5,
    int | None: 7,
    bool: False,
    tuple[str, ...]: ("one", "two"),
    Mapping[str, str]: {"status": "FAILED"},
}


def sample_of(kind: type[Any], /, **values: object) -> Any:
    """An instance whose fields have ordinary values of their types."""
    hints = get_type_hints(kind)
    return kind(**{name: _value_of(hints[name]) for name in kind.__struct_fields__} | values)


def _value_of(hint: Any) -> object:
    return get_args(hint)[0] if get_origin(hint) is Literal else _VALUES[hint]


def subject(**values: Any) -> JobRef:
    return replace(JOB, **values)


class TurnedClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds
