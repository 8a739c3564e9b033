"""What the services did lately, remembered: readiness asks nobody, and a worker without its store asks for no work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cqworker.clock import Clock
from cqworker.errors import Unavailable
from cqworker.events import Emit, ServiceFailed, ServiceRecovered

STORE = "job store"
ARTIFACTS = "artifact store"


def queue_service(name: str) -> str:
    """The name under which a queue's health is kept."""
    return f"queue {name}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the daemon is not ready, and what mends it."""

    service: str
    cause: str
    remedy: str


class Health:
    """Remembers the last result of every service the daemon depends on."""

    def __init__(self, clock: Clock, emit: Emit, services: tuple[str, ...]) -> None:
        self._clock = clock
        self._emit = emit
        self._troubles: dict[str, Trouble] = {name: Trouble(name, "It was not asked yet.", "") for name in services}
        self._since: dict[str, float] = {}
        self._answered: dict[str, float] = {}
        self._back: dict[str, asyncio.Event] = {}
        self._away: dict[str, asyncio.Event] = {name: asyncio.Event() for name in services}
        self.draining = False
        self.alive: Callable[[], tuple[str, ...]] = tuple

    @contextmanager
    def watching(self, service: str, doing: str) -> Iterator[None]:
        """Remembers whether the service did its part in this block."""
        try:
            yield
        except Unavailable as error:
            self.failed(service, doing, error)
            raise
        self.answered(service)

    def answered(self, service: str) -> None:
        self._answered[service] = self._clock.monotonic()
        if self._troubles.pop(service, None) is None:
            return
        self._back.pop(service, asyncio.Event()).set()
        self._away_event(service).clear()
        if (since := self._since.pop(service, None)) is not None:
            self._emit(ServiceRecovered(service=service, seconds=self._clock.monotonic() - since))

    def failed(self, service: str, doing: str, error: Unavailable) -> None:
        self._troubles[service] = Trouble(service, error.cause, error.remedy)
        self._since.setdefault(service, self._clock.monotonic())
        self._away_event(service).set()
        self._emit(ServiceFailed(service=service, doing=doing, cause=error.cause, remedy=error.remedy))

    def is_away(self, service: str) -> bool:
        """Its last answer was a failure; one that was never asked is not away."""
        return service in self._since

    def quiet_for(self, service: str) -> float:
        """Seconds since it last answered."""
        return self._clock.monotonic() - self._answered.get(service, float("-inf"))

    async def until_present(self, service: str, given_up: asyncio.Event) -> None:
        """Waits while the service is away; `given_up` ends the wait."""
        while self.is_away(service) and not given_up.is_set():
            back = self._back.setdefault(service, asyncio.Event())
            waits = [asyncio.ensure_future(back.wait()), asyncio.ensure_future(given_up.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def until_away(self, service: str, patience: float) -> None:
        """Waits until the service fails somebody, at most `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._away_event(service).wait()
        except TimeoutError:
            return

    def _away_event(self, service: str) -> asyncio.Event:
        return self._away.setdefault(service, asyncio.Event())

    def liveness(self) -> tuple[str, ...]:
        """Why the process should be restarted; the services' state never counts."""
        return self.alive()

    def readiness(self) -> tuple[Trouble, ...]:
        """Why the daemon should get no new work."""
        leaving = (Trouble("daemon", "It is draining.", "Nothing to mend: it is being stopped."),)
        return (*(leaving if self.draining else ()), *self._troubles.values())
