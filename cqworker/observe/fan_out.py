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
        self._heeding: dict[type, tuple[tuple[Emit, Emit], ...]] = {}
        self._told: set[Emit] = set()
        self.failures: int = 0

    def emit(self, event: Event) -> None:
        """As a method it costs a third less than the call of an instance; the daemon emits through it."""
        heeding = self._heeding.get(type(event))
        if heeding is None:
            heeding = self._find_heeding(type(event))
        for act, observer in heeding:
            try:
                act(event)
            except Exception as error:  # noqa: BLE001 - whatever an observer does, the job goes on
                self._failed(observer, event, error)

    __call__ = emit

    def _find_heeding(self, kind: type) -> tuple[tuple[Emit, Emit], ...]:
        acts = ((_act_of(observer, kind), observer) for observer in self._observers)
        heeding = self._heeding[kind] = tuple((act, observer) for act, observer in acts if act is not None)
        return heeding

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


def _act_of(observer: Emit, kind: type) -> Emit | None:
    """What an observer does about events of a class, if anything: it may say so, or whether it heeds them at all."""
    act_on: Callable[[type], Emit | None] | None = getattr(observer, "act_on", None)
    if act_on is not None:
        return act_on(kind)
    heeds: Callable[[type], bool] | None = getattr(observer, "heeds", None)
    return observer if heeds is None or heeds(kind) else None


def fan_out(*observers: Emit) -> FanOut:
    """An Emit that tells every observer and never raises; `failures` counts what the observers raised."""
    return FanOut(observers)
