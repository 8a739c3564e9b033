"""One event to many observers, none of which can reach the flow."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import structlog

from cqworker.events import Emit, Event


class FanOut:
    """Hands each event to every observer; an observer that raises is counted, and told of once."""

    def __init__(self, observers: tuple[Emit, ...]) -> None:
        self._observers = observers
        self._heeding: dict[type, tuple[Emit, ...]] = {}
        self._told: set[Emit] = set()
        self.failures = 0

    def __call__(self, event: Event) -> None:
        kind = type(event)
        heeding = self._heeding.get(kind)
        if heeding is None:
            heeding = self._heeding[kind] = tuple(one for one in self._observers if _heeds(one, kind))
        for observer in heeding:
            try:
                observer(event)
            except Exception as error:  # noqa: BLE001 - whatever an observer does, the job goes on
                self._failed(observer, event, error)

    def _failed(self, observer: Emit, event: Event, error: Exception) -> None:
        self.failures += 1
        if observer in self._told:
            return
        self._told.add(observer)
        # the observer that failed may be the log itself
        with suppress(Exception):
            structlog.get_logger().error(
                "observer failed", observer=repr(observer), seen=type(event).__name__, exc_info=error
            )


def _heeds(observer: Emit, kind: type) -> bool:
    """An observer says which classes of events it has something to do with; one that does not is told of all."""
    heeds: Callable[[type], bool] | None = getattr(observer, "heeds", None)
    return heeds is None or heeds(kind)


def fan_out(*observers: Emit) -> FanOut:
    """An Emit that tells every observer and never raises; `failures` counts what the observers raised."""
    return FanOut(observers)
