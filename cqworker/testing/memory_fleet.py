"""The fleet's registry in memory: what its items in DynamoDB promise, without them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from cqworker.model.crowding import Crowding
from cqworker.ports.fleet import (
    HEARTBEAT_SECONDS,
    MARGIN_MS,
    STALE_HEARTBEATS,
    Command,
    Control,
    Counts,
    FleetMember,
    Heartbeat,
    Orders,
    WorkerState,
)

UNHEARD_MS = STALE_HEARTBEATS * HEARTBEAT_SECONDS * 1000 + MARGIN_MS


class MemoryFleet:
    """`workers` by name, `orders` with the start (`boot`) that each was given to."""

    def __init__(self) -> None:
        self.workers: dict[str, Heartbeat] = {}
        self.orders: dict[str, tuple[Orders, str]] = {}
        self.published: dict[str, frozenset[str]] = {}
        self.present: Control = Control()
        self._folded: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))

    async def heartbeat(self, said: Heartbeat, *, first: bool) -> Orders | None:
        """As Fleet.heartbeat."""
        held = self.workers.get(said.worker)
        is_ours = held is not None and held.boot == said.boot
        if not is_ours and not (first and (held is None or _has_left(held, said.seen))):
            return None
        self.workers[said.worker] = said
        return self._orders_of(said)

    async def members(self) -> Sequence[FleetMember]:
        """As Fleet.members."""
        return [FleetMember(said, self._orders_of(said)) for _, said in sorted(self.workers.items())]

    async def order(self, worker: str, command: Command, now: int) -> Orders | None:
        """As Fleet.order."""
        held = self.workers.get(worker)
        if held is None or not held.is_alive(now):
            return None
        former, _ = self.orders.get(worker, (Orders(), ""))
        given = replace(former, command=command, revision=former.revision + 1)
        self.orders[worker] = (given, held.boot)
        return given

    async def watch(self, worker: str, until: int) -> None:
        """As Fleet.watch."""
        if worker in self.workers:
            former, boot = self.orders.get(worker, (Orders(), ""))
            self.orders[worker] = (replace(former, watched_until=until), boot)

    async def publish_types(self, key: str, types: Collection[str]) -> None:
        """As Fleet.publish_types."""
        self.published[key] = frozenset(types)

    async def types(self, key: str) -> frozenset[str]:
        """As Fleet.types."""
        return self.published.get(key, frozenset())

    async def control(self) -> Control:
        """As Fleet.control."""
        return self.present

    async def change_control(self, control: Control) -> bool:
        """As Fleet.change_control."""
        if control.revision != self.present.revision + 1:
            return False
        self.present = replace(control, enabled=self.present.enabled, crowding=self.present.crowding)
        return True

    async def enable(self, feature: str) -> bool:
        """As Fleet.enable."""
        before = self.present.enabled
        self.present = replace(self.present, enabled=before | {feature})
        return feature not in before

    async def crowd(self, crowding: Crowding) -> None:
        """As Fleet.crowd."""
        self.present = replace(self.present, crowding=None if crowding.is_empty else crowding)

    async def fold(self, member: FleetMember, day: str) -> bool:
        """As Fleet.fold."""
        said = member.heartbeat
        held = self.workers.get(said.worker)
        if held is None or (held.boot, held.seen) != (said.boot, said.seen):
            return False
        del self.workers[said.worker]
        self.orders.pop(said.worker, None)
        for job_type, counted in held.counts.items():
            self._folded[day][job_type].update(counted)
        return True

    async def folded(self, day: str) -> Counts:
        """As Fleet.folded."""
        return {job_type: dict(counted) for job_type, counted in self._folded[day].items()}

    def _orders_of(self, said: Heartbeat) -> Orders:
        given, boot = self.orders.get(said.worker, (Orders(), ""))
        return given if boot == said.boot else replace(given, command=None)


def _has_left(held: Heartbeat, now: int) -> bool:
    return held.state is WorkerState.STOPPED or held.seen < now - UNHEARD_MS
