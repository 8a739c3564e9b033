"""What services did lately, remembered: readiness makes no call, a worker without its store asks for no work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cqworker.clock import Clock
from cqworker.errors import CREDENTIALS, CqworkerError, Unavailable, safe_text
from cqworker.events import Emit, ItemFailed, ServiceFailed, ServiceRecovered

STORE = "job store"
ARTIFACTS = "artifact store"
READING = "reading"
WRITING = "writing"
PROBED = frozenset((service, doing) for service in (STORE, ARTIFACTS) for doing in (READING, WRITING))
"""What a probe tries by itself: refused it makes the service away, and a probe that succeeds brings it back."""
ANY_OPERATION = ""
"""Stands for a service that is away as a whole, not only refused one operation."""
DENIAL_SECONDS = 300.0
"""Seconds for which a right that no probe tries counts as refused: without work nothing finds out that it may again."""
OUTAGE_GRACE_SECONDS = 30.0
"""Seconds after a failure in which holders of leases learn that the service is back: the pause of a probe (15 s at
most) and the deadline of the call that hangs meanwhile (15 s)."""
UNNOTICED_SECONDS = 40.0
"""Seconds for which other workers may have met an outage before this one: the longest receive."""
NEVER = float("-inf")
SQS_RETENTION_SECONDS = 1_209_600.0
"""14 days, the longest that SQS keeps a message (SQS quotas): an older lease belongs to no message any more."""
MAX_OUTAGE_SECONDS = 120.0
"""Seconds for which failures between answers count as one outage: a service that fails now and then for ever must not
keep what the dead held from being taken over for ever."""


def queue_service(name: str) -> str:
    """The name under which a queue's health is kept."""
    return f"queue {name}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the daemon is not ready, and what mends it; `since` is the monotonic time it was last met."""

    service: str
    cause: str
    remedy: str
    since: float = 0.0


class Outage:
    """One service's failures, as monotonic times (seconds).

    `first`: the first without an answer since; `began`: the first without OUTAGE_GRACE_SECONDS of peace since;
    `last`: the latest.
    """

    __slots__ = ("began", "first", "last")

    def __init__(self, now: float) -> None:
        self.first: float = now
        self.began: float = now
        self.last: float = now

    def record_failure(self, now: float, answered: float | None) -> None:
        """One failure more; the last answer came at `answered` (None: never, so that its beginning is unknown)."""
        if answered is None:
            self.first = NEVER
        elif answered >= self.last or self.first == NEVER:
            self.first = now
        if now - self.last >= OUTAGE_GRACE_SECONDS:
            self.began = now
        self.last = now

    def since(self, now: float) -> float:
        """The monotonic time from which on calls failed, as far as this process saw."""
        return min(self.first, max(self.began, now - MAX_OUTAGE_SECONDS))


class ServiceHealth:
    """Remembers the last result of every service the daemon depends on.

    A service that failed is away until it answers. A right that was refused stays refused until something that needs it
    succeeds, whatever else the service answers. What concerns one item alone says nothing of its service.
    """

    def __init__(self, clock: Clock, emit: Emit, services: tuple[str, ...]) -> None:
        self._clock = clock
        self._emit = emit
        self._troubles: dict[str, dict[str, Trouble]] = {
            name: {ANY_OPERATION: Trouble(name, "It was not asked yet.", "")} for name in services
        }
        """By service, and by what was being done where that alone is refused."""
        self._troubled_since: dict[str, float] = {}
        self._dispensable: dict[str, float] = {}
        """Since when (monotonic) a right is missing that no ordinary job needs, by service."""
        self._last_success: dict[str, float] = {}
        self.outages: dict[str, Outage] = {}
        """The last of each service: while there was none, no claim need ask for its grace."""
        self._back_events: dict[str, asyncio.Event] = {}
        self._away_events: dict[str, asyncio.Event] = {name: asyncio.Event() for name in services}
        self.draining = False
        self.liveness_check: Callable[[], tuple[str, ...]] = tuple

    @contextmanager
    def monitor(self, service: str, doing: str) -> Iterator[None]:
        """Remembers whether the service did its part in this block.

        Raises what the block raises; an error that no rule foresaw is raised as Unavailable.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a port may raise anything, and none of it may pass for readiness
            raise self.fault_from(service, doing, error) from None
        self.record_success(service, doing)

    def fault_from(self, service: str, doing: str, error: Exception) -> Exception:
        """What to raise for what a port raised, remembered if it is the service's: a port may raise anything."""
        if isinstance(error, CqworkerError) and not isinstance(error, Unavailable):
            return error  # the service did its part: this is its answer
        fault = error if isinstance(error, Unavailable) else unforeseen_failure(service, doing, error)
        self.record_failure(service, doing, fault)
        return fault

    def record_success(self, service: str, doing: str = ANY_OPERATION) -> None:
        """The service did what it was asked to do."""
        self._last_success[service] = self._clock.monotonic()
        if service in self._troubles:
            self._mend(service, doing)

    def record_failure(self, service: str, doing: str, error: Unavailable) -> None:
        """The service did not do its part; `error.concerns` says whether for all, one right or one item."""
        if error.concerns == "item":
            self._emit(ItemFailed(service=service, doing=doing, cause=error.cause, remedy=error.remedy))
            self.record_success(service)
            return
        now = self._clock.monotonic()
        self.outages.setdefault(service, Outage(now)).record_failure(now, self._last_success.get(service))
        refused = doing if error.concerns == "right" else ANY_OPERATION
        troubles = self._troubles.setdefault(service, {})
        troubles.pop(ANY_OPERATION, None)
        blamed = CREDENTIALS if error.service == CREDENTIALS else service
        troubles[refused] = Trouble(blamed, error.cause, error.remedy, now)
        self._troubled_since.setdefault(service, now)
        if refused == ANY_OPERATION or (service, refused) in PROBED:
            self._away_event(service).set()
        self._emit(ServiceFailed(service=service, doing=doing, cause=error.cause, remedy=error.remedy))

    def note_dispensable(self, service: str, doing: str, error: Unavailable) -> None:
        """A right is missing that no ordinary job needs: it is told, and the daemon is as ready as it was."""
        self._dispensable.setdefault(service, self._clock.monotonic())
        self._emit(ServiceFailed(service=service, doing=doing, cause=error.cause, remedy=error.remedy))

    def note_granted(self, service: str) -> None:
        """The right that was missing is there, if one was."""
        if self._dispensable and (since := self._dispensable.pop(service, None)) is not None:
            self._emit(ServiceRecovered(service=service, seconds=self._clock.monotonic() - since))

    def _mend(self, service: str, doing: str) -> None:
        """Forgets what this answer disproves, and refusals that are DENIAL_SECONDS old."""
        now = self._clock.monotonic()
        troubles = self._troubles[service]
        for refused, trouble in tuple(troubles.items()):
            is_old = (service, refused) not in PROBED and now - trouble.since >= DENIAL_SECONDS
            if refused in (ANY_OPERATION, doing) or is_old:
                del troubles[refused]
        if not any((service, refused) in PROBED for refused in troubles):
            self._back_events.pop(service, asyncio.Event()).set()
            self._away_event(service).clear()
        if not troubles:
            del self._troubles[service]
            if (since := self._troubled_since.pop(service, None)) is not None:
                self._emit(ServiceRecovered(service=service, seconds=now - since))

    def is_away(self, service: str) -> bool:
        """Its last answer was a failure, or what its check needs is refused; one that was never asked is not away."""
        return self._away_event(service).is_set()

    def is_in_doubt(self, service: str, doing: str) -> bool:
        """Whether this was refused when it was last tried, or nothing of the service was answered yet."""
        troubles = self._troubles.get(service, {})
        return doing in troubles or ANY_OPERATION in troubles

    def seconds_since_success(self, service: str) -> float:
        """Seconds since it last answered; infinite before its first answer."""
        return self._clock.monotonic() - self._last_success.get(service, float("-inf"))

    def lease_grace(self, queue: str) -> int:
        """Milliseconds for which an ended lease is respected now: none, but shortly after an outage.

        Its holder may not have been able to renew it, and shall come first once the store and this queue are back.
        """
        now = self._clock.monotonic()
        outages = (self.outages.get(service) for service in (STORE, queue_service(queue)))
        ages = [
            now - outage.since(now)
            for outage in outages
            if outage is not None and now - outage.last < OUTAGE_GRACE_SECONDS
        ]
        return round(min(SQS_RETENTION_SECONDS, max(ages) + UNNOTICED_SECONDS) * 1000) if ages else 0

    async def wait_until_back(self, service: str, given_up: asyncio.Event) -> None:
        """Waits while the service is away; `given_up` ends the wait."""
        while self.is_away(service) and not given_up.is_set():
            back = self._back_events.setdefault(service, asyncio.Event())
            waits = [asyncio.ensure_future(back.wait()), asyncio.ensure_future(given_up.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def wait_until_away(self, service: str, patience: float) -> None:
        """Waits until a call of the service fails, at most `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._away_event(service).wait()
        except TimeoutError:
            return

    def _away_event(self, service: str) -> asyncio.Event:
        event = self._away_events.get(service)
        if event is None:
            event = self._away_events[service] = asyncio.Event()
        return event

    def liveness(self) -> tuple[str, ...]:
        """Why the process should be restarted, empty while it should not; the services' state never counts."""
        return self.liveness_check()

    def readiness(self) -> tuple[Trouble, ...]:
        """Why the daemon should get no new work; empty while it may."""
        leaving = (Trouble("daemon", "It is draining.", "Nothing to mend: it is being stopped."),)
        troubles = (trouble for each in self._troubles.values() for trouble in each.values())
        found = {(trouble.service, trouble.cause): trouble for trouble in troubles}
        return (*(leaving if self.draining else ()), *found.values())


def unforeseen_failure(service: str, doing: str, error: Exception) -> Unavailable:
    """An error that no rule foresaw; what was asked may have been done all the same."""
    cause = f"The {service} met {type(error).__name__} while {doing}: {safe_text(error)}"
    return Unavailable(service, cause, "It is tried again; if it lasts, report it with the log.", ambiguous=True)
