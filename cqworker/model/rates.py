"""How starts are spread over time: each takes its own moment from what one item of a key says.

A key's item holds one number: when the next start is due where all keep their distance (the generic cell rate
algorithm, ITU-T I.371). A start may come before that by as many distances as its burst allows.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from cqworker.field_docs import document_fields
from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_TIME_MS
from cqworker.model.limits import Limit

Breadth = Literal["key", "tenant", "type", "queue"]
"""What a limit is for, the narrow ones first."""
NARROW_FIRST: tuple[Breadth, ...] = ("key", "tenant", "type", "queue")
"""The order in which rates are asked: what one tenant may not start takes no moment of what all of them share."""


@document_fields(
    attempt="For which attempt of its round.",
    time="The moment (epoch ms).",
    up_to="Up to which of its rates, the narrow ones first; the wider ones are asked then. None: under all of them.",
)
class Admitted(Struct, frozen=True):
    """A moment at which a job may start under its rates, or some of them, which its message carries."""

    attempt: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS)]
    time: Annotated[int, Meta(ge=1, le=MAX_TIME_MS)]
    up_to: Breadth | None = None


@document_fields(
    key="The limit's key.",
    interval="Microseconds between two starts.",
    burst="Starts at once after as long a pause.",
    now="When it is asked (epoch µs).",
    latest="The latest moment that is of use (epoch µs).",
    count="For how many starts.",
)
class RateAsk(Struct, frozen=True, kw_only=True):
    """What is asked of a key's rate: the next moments at which jobs may start."""

    key: str
    interval: int
    burst: int
    now: int
    latest: int
    count: int = 1

    @property
    def early(self) -> int:
        """Microseconds by which a start may come before its place in the line."""
        return (self.burst - 1) * self.interval

    def times_from(self, place: int) -> tuple[int, ...]:
        """The moments of so many starts (epoch µs), the first of which has this place in the line."""
        places = range(place, place + self.count * self.interval, self.interval)
        return tuple(max(self.now, one - self.early) for one in places)


def ask_of(key: str, limit: Limit, *, now_ms: int, within: int) -> RateAsk:
    """The ask of one start under a limit that has a rate, at `now_ms` (epoch ms) and for the next `within` seconds."""
    assert limit.rate is not None
    now = now_ms * 1000
    return RateAsk(
        key=key,
        interval=limit.rate.interval_us,
        burst=limit.starts_at_once,
        now=now,
        latest=now + within * 1_000_000,
    )


@document_fields(
    next="When the next start is due where all keep their distance (epoch µs).",
    interval="The distance by which that was counted (µs).",
)
class RateState(Struct, frozen=True):
    """What a key's item says."""

    next: int
    interval: int

    def place(self, ask: RateAsk) -> int:
        """The place in the line of the next start (epoch µs).

        Where the rate has changed as many starts are still ahead as before, at the new distance.
        """
        ahead = self.next - ask.now
        if ahead <= 0 or self.interval == ask.interval:
            return max(self.next, ask.now)
        return ask.now - (-ahead * ask.interval // self.interval)


@document_fields(
    times="When each of the starts that were asked for may come (epoch µs), the first first.",
)
class Reserved(Struct, frozen=True):
    """Moments that nobody else gets."""

    times: tuple[int, ...]


@document_fields(
    next="When the next start may come, as things stand (epoch µs).",
    room="How many starts there is room for until the latest moment that is of use.",
)
class Busy(Struct, frozen=True):
    """Not all that was asked for is to be had in time; nothing was taken."""

    next: int
    room: int


def reserve(state: RateState | None, ask: RateAsk) -> tuple[RateState, Reserved] | Busy:
    """What is left of a key after this ask, and the moments; `state` is None while nobody ever asked."""
    place = ask.now if state is None else state.place(ask)
    times = ask.times_from(place)
    if times[-1] <= ask.latest:
        return RateState(place + ask.count * ask.interval, ask.interval), Reserved(times)
    room = (ask.latest + ask.early - place) // ask.interval + 1
    return Busy(times[0], max(0, room))
