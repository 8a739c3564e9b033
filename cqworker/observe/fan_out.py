"""One event to many observers, none of which can reach the flow."""

from __future__ import annotations

from contextlib import suppress

import structlog

from cqworker.events import Emit, Event


class FanOut:
    """Hands each event to every observer; an observer that raises is counted, and told of once."""

    def __init__(self, observers: tuple[Emit, ...]) -> None:
        self._observers = observers
        self._told: set[Emit] = set()
        self.failures = 0

    def __call__(self, event: Event) -> None:
        for observer in self._observers:
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


def fan_out(*observers: Emit) -> FanOut:
    """An Emit that tells every observer and never raises; `failures` counts what the observers raised."""
    return FanOut(observers)
