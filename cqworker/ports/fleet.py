"""The port of the fleet: what each daemon says of itself, what people ask of it, and how the queues stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from cqworker.field_docs import document_fields
from cqworker.model.crowding import Crowding
from cqworker.model.limits import LimitOrder

HEARTBEAT_SECONDS = 60
"""Seconds between two heartbeats of a daemon that nobody watches, at most and usually: one write unit a minute."""
MARGIN_MS = 2_000
"""Milliseconds by which the clocks of two hosts may differ before one takes the other for silent."""
STALE_HEARTBEATS = 3
"""Heartbeats that may be missing before a daemon counts as silent."""


class WorkerState(StrEnum):
    """What a daemon is at."""

    RUNNING = "running"
    QUIET = "quiet"
    """It was asked to receive nothing more; what runs is finished."""
    DRAINING = "draining"
    STOPPED = "stopped"
    """It has left, of its own accord or because it was told to."""


LIMITS = "limits"
"""The feature of jobs with a `limit_key`: an older daemon would run them without their limits."""
REPLACE = "replace"
"""The feature of jobs whose payload a later submission replaces: an older daemon might send them as they were."""
FEATURES = (LIMITS, REPLACE)
"""What is refused until an operator has enabled it (`cqworker provision --enable NAME`)."""


class Command(StrEnum):
    """What a daemon can be asked to do."""

    QUIET = "quiet"
    RESUME = "resume"
    DRAIN = "drain"


class QueueState(StrEnum):
    """How a queue stands for the whole fleet."""

    RUNNING = "running"
    PAUSED = "paused"
    """Nothing more is received from it; what runs is finished."""
    DRAINING = "draining"
    """No new job is accepted for it; workers go on."""


@document_fields(
    job_id="The job.",
    type="Its type.",
    since="When its handler was started (epoch ms).",
)
class RunningJob(Struct, frozen=True, array_like=True):
    """A job that a daemon runs."""

    job_id: str
    type: str
    since: int


@document_fields(
    queue="The SQS queue of the level.",
    starts="Messages of it that were given a slot since the daemon's start.",
    oldest="Age of the oldest message that its last receive brought (s); 0 where it brought none.",
)
class LevelCount(Struct, frozen=True, array_like=True):
    """What a daemon does of one level of a queue."""

    queue: str
    starts: int = 0
    oldest: int = 0


@document_fields(
    worker="The daemon's name, which no other live one has.",
    boot="A text that this start of the process alone has.",
    version="The version of cqworker that runs.",
    release="The release that its operator named, else the version.",
    host="The host's name.",
    roles="Its roles: worker, api.",
    started_at="When it started (epoch ms).",
    seen="When it said this, by its own clock (epoch ms).",
    every="Seconds until its next heartbeat at the latest.",
    state="What it is at.",
    queues="The queues that it polls.",
    slots="How many jobs it can run at once.",
    busy="How many slots are taken.",
    oldest="The jobs that it has run for longest, at most 32, the oldest first; fewer where they would need more room.",
    types="The hash of the job types that it serves, by which the fleet's list of types has them; empty without any.",
    counts="What happened since its start, by type and outcome.",
    lag="How late its handlers' loop last answered (ms).",
    leases="How many leases it keeps.",
    memory="Its resident memory (bytes).",
    write_units="DynamoDB write units that it consumed since its start.",
    read_units="DynamoDB read units that it consumed since its start.",
    ran="How long handlers ran since its start, in all (ms).",
    waited="The longest wait of a job that it started since its last heartbeat (ms).",
    obeyed="The revision of the last command that it carried out; 0: of none.",
    levels="The levels that it polls, of those of its queues that have some.",
)
class Heartbeat(Struct, frozen=True, kw_only=True):
    """What a daemon says of itself, some 1 KB at most."""

    worker: str
    boot: str
    seen: int
    version: str = ""
    release: str = ""
    host: str = ""
    roles: tuple[str, ...] = ()
    started_at: int = 0
    every: int = HEARTBEAT_SECONDS
    state: WorkerState = WorkerState.RUNNING
    queues: tuple[str, ...] = ()
    slots: int = 0
    busy: int = 0
    oldest: tuple[RunningJob, ...] = ()
    types: str = ""
    counts: Mapping[str, Mapping[str, int]] = {}
    lag: int = 0
    leases: int = 0
    memory: int = 0
    write_units: int = 0
    read_units: int = 0
    ran: int = 0
    waited: int = 0
    obeyed: int = 0
    levels: tuple[LevelCount, ...] = ()

    def silent_from(self) -> int:
        """The moment (epoch ms) from which on it counts as silent, unless it is heard again."""
        return self.seen + STALE_HEARTBEATS * self.every * 1000 + MARGIN_MS

    def is_alive(self, now: int) -> bool:
        """Whether it works, as far as one can say at `now` (epoch ms): it has not left, and was heard lately."""
        return self.state is not WorkerState.STOPPED and now <= self.silent_from()


@document_fields(
    command="What it is asked to do, or None.",
    revision="The number of the command: each one is obeyed once.",
    watched_until="Until when somebody looks at the fleet (epoch ms): heartbeats come more often.",
)
class Orders(Struct, frozen=True):
    """What people want of one daemon; a command that was given to another start of it is none."""

    command: Command | None = None
    revision: int = 0
    watched_until: int = 0


@document_fields(
    heartbeat="What it last said of itself.",
    orders="What is asked of it.",
)
class FleetMember(Struct, frozen=True):
    """A daemon as the registry has it."""

    heartbeat: Heartbeat
    orders: Orders


@document_fields(
    state="How the queue stands.",
    until="When it runs again by itself (epoch ms); None: when somebody resumes it.",
    since="Since when it has not been running (epoch ms).",
    by="Who asked for it.",
    reason="Why.",
)
class QueueOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A queue that was paused, or takes no new jobs."""

    state: QueueState
    until: int | None = None
    since: int = 0
    by: str = ""
    reason: str = ""

    def is_in_force(self, now: int) -> bool:
        """Whether it still holds at `now` (epoch ms)."""
        return self.state is not QueueState.RUNNING and (self.until is None or now < self.until)


@document_fields(
    revision="The number of the last change.",
    queues="The queues that do not run as usual, by name.",
    limits="What operators said of limits, by key.",
    enabled="What the operator has enabled, once every daemon of the fleet knows it.",
    crowding="Limits for which no more jobs may wait, as the sweep of limits last found; None: there is room.",
)
class Control(Struct, frozen=True):
    """What holds for the whole fleet."""

    revision: int = 0
    queues: Mapping[str, QueueOrder] = {}
    limits: Mapping[str, LimitOrder] = {}
    enabled: frozenset[str] = frozenset()
    crowding: Crowding | None = None


Counts = Mapping[str, Mapping[str, int]]
"""Numbers by job type and outcome."""


class Fleet(Protocol):
    """The registry. It decides nothing about jobs, leases do. Every method raises Unavailable."""

    async def heartbeat(self, said: Heartbeat, *, first: bool) -> Orders | None:
        """Keeps what a daemon says of itself, and brings what is asked of it; `first` of this start (`boot`) or not.

        None for a first one: another daemon of this name is alive, or was heard so lately that one cannot tell. None
        for another one: it was silent for so long that it was removed, or somebody else took the name.
        """
        ...

    async def members(self) -> Sequence[FleetMember]:
        """Every daemon that was heard lately, and those that fell silent and are not removed yet, by name."""
        ...

    async def order(self, worker: str, command: Command, now: int) -> Orders | None:
        """Asks a daemon for something; None where none of this name is alive at `now` (epoch ms)."""
        ...

    async def watch(self, worker: str, until: int) -> None:
        """Has a daemon's heartbeats come more often until then (epoch ms); nothing happens where there is none."""
        ...

    async def publish_types(self, key: str, types: Collection[str]) -> None:
        """Keeps the job types behind a hash, for as long as a deploy may live."""
        ...

    async def types(self, key: str) -> frozenset[str]:
        """The job types behind a hash; none where it was not published."""
        ...

    async def control(self) -> Control:
        """What holds for the fleet now."""
        ...

    async def change_control(self, control: Control) -> bool:
        """Writes queues and limits where its revision follows the present one; False: somebody else was faster."""
        ...

    async def enable(self, feature: str) -> bool:
        """Says that every daemon of the fleet knows a feature from now on; False: that was said before."""
        ...

    async def crowd(self, crowding: Crowding) -> None:
        """Says for which limits no more jobs may wait, in place of what was said before."""
        ...

    async def fold(self, member: FleetMember, day: str) -> bool:
        """Removes a daemon that is as it was seen, and adds its counts to those of a day (YYYY-MM-DD), both or neither.

        False: it was heard since, or somebody else did it.
        """
        ...

    async def folded(self, day: str) -> Counts:
        """The counts of the daemons that were removed on a day (YYYY-MM-DD)."""
        ...
