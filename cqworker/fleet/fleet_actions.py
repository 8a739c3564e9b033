"""What an operator may ask of the fleet: who is there, a daemon to rest or leave, a queue to stand still for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import NotAllowedNow, PauseRefused, UnknownQueue, WorkerNotFound
from cqworker.events import Emit
from cqworker.events.fleet_events import QueueOrdered, WorkerOrdered
from cqworker.fleet.fleet_counts import FleetCounts, count_fleet
from cqworker.model.priorities import PRIORITIES, level_queue
from cqworker.model.timestamps import rfc3339
from cqworker.ports.fleet import Command, Control, Fleet, FleetMember, LevelCount, QueueOrder, QueueState

MAX_PAUSE_MS = 86_400_000
"""24 h (in ms): a pause that nobody lifts is an outage."""
SHARE_OF_RETENTION = 2
"""A pause lasts for half of what the queue keeps a message at most: those that wait already may be old."""
WATCH_MS = 300_000
"""Milliseconds for which a look at the fleet has its daemons tell of themselves more often."""
MOST_WATCHED = 100
"""Daemons that a look has tell more often: a write each, and ever so many in a larger fleet."""
MAX_TRIES = 8
"""Writes of the fleet's control that one act tries: each is refused only because somebody else was faster."""
MAX_REASON = 200
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """A queue: what was ordered for it and is in force, if anything, and the daemons alive that poll it.

    `levels` are those that it has: their starts in all of these, and the oldest message that one of them received.
    """

    name: str
    order: QueueOrder | None
    workers: tuple[str, ...]
    levels: tuple[LevelCount, ...] = ()


class FleetActions:
    """`queues` are those configured here; `retention_of` says for how many seconds one keeps a message.

    `on_change` hears that a queue was ordered something.
    """

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        emit: Emit,
        queues: Collection[str],
        retention_of: Callable[[str], Awaitable[int]],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._emit = emit
        self._queues = tuple(queues)
        self._retention_of = retention_of
        self._on_change = on_change
        self._watched_until = 0

    async def workers(self) -> Sequence[FleetMember]:
        """Every daemon of the registry, and has them tell more often for the next minutes. Raises Unavailable."""
        members = await self._fleet.members()
        now = self._clock.now()
        if now > self._watched_until - WATCH_MS // 5:
            self._watched_until = now + WATCH_MS
            alive = [member.heartbeat.worker for member in members if member.heartbeat.is_alive(now)]
            await asyncio.gather(*(self._fleet.watch(worker, self._watched_until) for worker in alive[:MOST_WATCHED]))
        return members

    async def counts(self, days: int = 1) -> FleetCounts:
        """What the daemons counted, with those removed within so many days. Raises Unavailable."""
        return await count_fleet(self._fleet, self._clock.now(), days)

    async def order(self, worker: str, command: Command, by: str) -> FleetMember:
        """Asks a daemon for something; it hears of it with its next heartbeat. `by` is who asks, for the log.

        Raises WorkerNotFound where it is not alive, Unavailable.
        """
        orders = await self._fleet.order(worker, command, self._clock.now())
        if orders is None:
            raise WorkerNotFound(
                f"No worker {worker} is alive. Its jobs, if it had any, are taken over when their leases end; "
                "`cqworker workers` lists those that there are."
            )
        self._emit(WorkerOrdered(member=worker, command=command, revision=orders.revision, by=by))
        for member in await self._fleet.members():
            if member.heartbeat.worker == worker:
                return FleetMember(member.heartbeat, orders)
        raise WorkerNotFound(f"The worker {worker} left just now.")

    async def queues(self) -> Sequence[QueueStanding]:
        """How each queue stands that is configured here, polled by somebody, or was ordered something.

        Raises Unavailable.
        """
        control, members = await asyncio.gather(self._fleet.control(), self._fleet.members())
        return self._standings(control, members)

    async def pause(self, queue: str, until: int | None, by: str, reason: str) -> QueueStanding:
        """Nothing more is received from the queue until then (epoch ms); who runs something finishes it.

        Raises PauseRefused without an end, or with one that is past, more than 24 h ahead or later than SQS keeps what
        waits, UnknownQueue, NotAllowedNow where others change the control too often, Unavailable.
        """
        now = self._clock.now()
        if until is None:
            raise PauseRefused(
                "A pause needs an end, for one that nobody lifts is an outage: say until when, or for how long "
                "(24 hours at most)."
            )
        _check_end(until, now)
        await self._check_name(queue)
        kept = await self._retention_of(queue) * 1000

        def check(former: QueueOrder | None) -> None:
            since = former.since if former is not None and former.state is QueueState.PAUSED else now
            if until - since > kept // SHARE_OF_RETENTION:
                raise PauseRefused(
                    f'The queue "{queue}" keeps a message for {kept // 3_600_000} h, and what waits now may be old '
                    f"already: it can be paused until {rfc3339(since + kept // SHARE_OF_RETENTION)} at most. "
                    "Raise its MessageRetentionPeriod first (`cqworker provision` sets 14 days)."
                )

        return await self._change(queue, QueueState.PAUSED, until, by, reason, check)

    async def drain(self, queue: str, until: int | None, by: str, reason: str) -> QueueStanding:
        """No new job is accepted for the queue, until then (epoch ms) or until it is resumed; workers go on.

        Raises PauseRefused for an end that is past or more than 24 h ahead, and as `pause` UnknownQueue, NotAllowedNow,
        Unavailable.
        """
        if until is not None:
            _check_end(until, self._clock.now())
        await self._check_name(queue)
        return await self._change(queue, QueueState.DRAINING, until, by, reason)

    async def resume(self, queue: str, by: str, reason: str = "") -> QueueStanding:
        """The queue runs as usual. Raises UnknownQueue, NotAllowedNow, Unavailable."""
        await self._check_name(queue)
        return await self._change(queue, QueueState.RUNNING, None, by, reason)

    async def _change(
        self,
        queue: str,
        state: QueueState,
        until: int | None,
        by: str,
        reason: str,
        check: Callable[[QueueOrder | None], None] = lambda _: None,
    ) -> QueueStanding:
        """One change under the control's revision: nobody's change is lost."""
        for _ in range(MAX_TRIES):
            now = self._clock.now()
            control = await self._fleet.control()
            in_force = {name: order for name, order in control.queues.items() if order.is_in_force(now)}
            former = in_force.pop(queue, None)
            check(former)
            since = former.since if former is not None and former.state is state else now
            order = QueueOrder(state=state, until=until, since=since, by=by, reason=reason[:MAX_REASON])
            changed = in_force if state is QueueState.RUNNING else {**in_force, queue: order}
            if await self._fleet.change_control(replace(control, revision=control.revision + 1, queues=changed)):
                self._emit(QueueOrdered(queue=queue, state=state, until=until, by=by, reason=reason[:MAX_REASON]))
                self._on_change()
                [standing] = [
                    one
                    for one in self._standings(Control(0, changed), await self._fleet.members(), queue)
                    if one.name == queue
                ]
                return standing
        raise NotAllowedNow("The fleet's control changes too quickly; try again.")

    async def _check_name(self, queue: str) -> None:
        """A pause of a queue that does not exist would seem to work."""
        if queue in self._queues:
            return
        known = {*self._queues, *(name for member in await self._fleet.members() for name in member.heartbeat.queues)}
        if queue not in known:
            raise UnknownQueue(f"No worker polls a queue {queue!r}; there are {', '.join(sorted(known))}.")

    def _standings(self, control: Control, members: Sequence[FleetMember], *more: str) -> Sequence[QueueStanding]:
        now = self._clock.now()
        polled: dict[str, list[str]] = {name: [] for name in (*self._queues, *more, *control.queues)}
        for said in (member.heartbeat for member in members):
            if said.is_alive(now):
                for name in said.queues:
                    polled.setdefault(name, []).append(said.worker)
        orders: Mapping[str, QueueOrder] = {
            name: order for name, order in control.queues.items() if order.is_in_force(now)
        }
        alive = [member.heartbeat for member in members if member.heartbeat.is_alive(now)]
        levels = [level for said in alive for level in said.levels]
        return [
            QueueStanding(name, orders.get(name), tuple(polled[name]), levels_of(name, levels))
            for name in sorted(polled)
        ]


def levels_of(queue: str, told: Sequence[LevelCount]) -> tuple[LevelCount, ...]:
    """The levels of a queue, the most urgent first, by what several daemons told."""
    found = []
    for name in (level_queue(queue, priority) for priority in PRIORITIES):
        same = [level for level in told if level.queue == name]
        if same:
            starts, oldest = sum(level.starts for level in same), max(level.oldest for level in same)
            found.append(LevelCount(name, starts, oldest))
    return tuple(found)


def _check_end(until: int, now: int) -> None:
    if until <= now:
        raise PauseRefused(f"{rfc3339(until)} is past: give an end that is still to come.")
    if until > now + MAX_PAUSE_MS:
        raise PauseRefused(
            f"{rfc3339(until)} is more than 24 hours ahead. A pause that nobody lifts is an outage: give an end until "
            f"{rfc3339(now + MAX_PAUSE_MS)}, and pause again if need be."
        )
