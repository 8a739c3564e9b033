"""What happens to the fleet as a whole, and what people ask of it, as frozen records like those of cqworker.events."""

from __future__ import annotations

from msgspec import Struct


class QueueOrdered(Struct, frozen=True, kw_only=True):
    """Somebody paused a queue, had it take no new jobs, or had it run again (`state`): `until` is epoch ms or None."""

    queue: str
    state: str
    until: int | None
    by: str
    reason: str


class LimitOrdered(Struct, frozen=True, kw_only=True):
    """Somebody limited a key, paused it (`concurrency` 0), or lifted what was said of it (neither number nor rate).

    `until` is epoch ms or None.
    """

    key: str
    concurrency: int | None
    rate: str | None
    until: int | None
    by: str
    reason: str


class WorkerOrdered(Struct, frozen=True, kw_only=True):
    """Somebody asked a daemon (`member`) to be quiet, to resume or to drain."""

    member: str
    command: str
    revision: int
    by: str


class QueueStateNoticed(Struct, frozen=True, kw_only=True):
    """This daemon noticed what holds for a queue from now on; `until` is epoch ms or None."""

    queue: str
    state: str
    until: int | None
    by: str
    reason: str


class LimitNoticed(Struct, frozen=True, kw_only=True):
    """This daemon noticed what holds for a key from now on, as in LimitOrdered."""

    key: str
    concurrency: int | None
    rate: str | None
    until: int | None
    by: str
    reason: str


class CrowdingNoticed(Struct, frozen=True, kw_only=True):
    """For these limits, and the limit_keys of these tenants, no more jobs may wait from now on; none: there is room.

    Names are parted by spaces.
    """

    limits: str
    tenants: str


class CommandObeyed(Struct, frozen=True, kw_only=True):
    """This daemon does what it was asked to do."""

    command: str
    revision: int


class WorkerNameTaken(Struct, frozen=True, kw_only=True):
    """Another daemon is alive under the name that this one has: in the registry it goes by another."""

    name: str
    instead: str


class WorkerFolded(Struct, frozen=True, kw_only=True):
    """A daemon that left, or was not heard for an hour, was removed from the registry; its counts are kept."""

    member: str
    state: str


class FleetMeasured(Struct, frozen=True, kw_only=True):
    """How the fleet's work and its size compare, as the daemon sees it that measures for all.

    `live`, `silent`: daemons. `slots` and `busy` are those of the live ones, `backlog` messages that wait, `desired`
    the workers of this one's size that the work asks for, `oldest` the longest wait of late (s).
    """

    live: int
    silent: int
    slots: int
    busy: int
    backlog: int
    desired: int
    oldest: float


class FleetUnmeasured(Struct, frozen=True, kw_only=True):
    """This daemon does not measure the fleet any more: another one does."""


FleetEvent = (
    QueueOrdered
    | LimitOrdered
    | LimitNoticed
    | CrowdingNoticed
    | WorkerOrdered
    | QueueStateNoticed
    | CommandObeyed
    | WorkerNameTaken
    | WorkerFolded
    | FleetMeasured
    | FleetUnmeasured
)
