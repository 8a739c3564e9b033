"""What an operator may ask of limits: how each stands, another one for a time, a type, tenant or key to stand still."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import LimitRefused, NotAllowedNow, NotProvisioned
from cqworker.events import Emit
from cqworker.events.fleet_events import LimitOrdered
from cqworker.fleet.explanations import Explanations
from cqworker.fleet.fleet_actions import MAX_REASON, MAX_TRIES
from cqworker.model.crowding import Crowding
from cqworker.model.limits import (
    EVERY,
    MAX_LIMIT_KEY,
    Limit,
    LimitOrder,
    LimitTable,
    hashed_key,
    named_key,
    order_fault,
    pattern_fault,
    shown_key,
    tenant_of_key,
)
from cqworker.model.rates import RateState, ask_of
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.tenants import tenant_fault
from cqworker.ports.fleet import Fleet
from cqworker.ports.limits import Limits, Slots, Waiter
from cqworker.ports.rates import Rates

MOST_ORDERS = 500
"""Keys of which operators may say something: they travel together, and each daemon reads them twice a minute."""
MOST_SHOWN = 100
"""Keys of a list that are looked at, each with three reads."""
MOST_COUNTED = 1000
"""Waiting jobs of a key that are counted."""
MOST_JUDGED = 100
"""Holders of a key's slots whose records are read, to tell the dead."""
MARGIN_MS = 2_000
"""Milliseconds after the end of its lease at which a holder counts as dead: clocks differ by as much."""
FAR = 1 << 52
"""Epoch ms later than any time that a key is marked for."""
ReadMany = Callable[[Sequence[str]], Awaitable[Sequence[JobRecord]]]
"""Reads records by id, consistently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStanding:
    """How a limit stands: `written` in the file, `order` of an operator, `limit` as both have it, and who uses it.

    `held` slots, of which `dead` belong to nobody alive; so many `waiting` jobs (MOST_COUNTED: or more), the `oldest`
    of them, no more of whom may come where it `is_full`; `next_start` (epoch ms): when the rate lets the next start.
    `limit_key` is the text behind the hash of a key, where whoever asked, an operator's order, a holder or the oldest
    of those who wait names it.
    """

    key: str
    limit_key: str | None = None
    written: Limit | None = None
    order: LimitOrder | None = None
    limit: Limit | None = None
    held: int = 0
    dead: int = 0
    waiting: int = 0
    oldest: Waiter | None = None
    next_start: int | None = None
    is_full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitActions:
    """`written` are the limits of the files here; `read_many` reads records, for the dead among a key's holders.

    `on_change` hears that an operator changed a limit.
    """

    fleet: Fleet
    limits: Limits
    rates: Rates
    read_many: ReadMany
    clock: Clock
    emit: Emit
    written: Mapping[str, Limit] = field(default_factory=dict)
    on_change: Callable[[], None] = lambda: None
    explanations: Explanations = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "explanations", Explanations(self.limits, self.clock))

    async def list(self) -> Sequence[LimitStanding]:
        """Every limit of the files and of operators, and every key for which somebody waits, by name.

        The first MOST_SHOWN say who uses them. Raises Unavailable.
        """
        control, waited_for = await asyncio.gather(self.fleet.control(), self._waited_for())
        orders = self._in_force(control.limits)
        names = sorted({*self.written, *orders, *waited_for})
        looked_at = [name for name in names if not name.endswith(f":{EVERY}")][:MOST_SHOWN]
        looks = (self._look(key, orders, control.crowding) for key in looked_at)
        found = dict(zip(looked_at, await asyncio.gather(*looks), strict=True))
        return [found.get(name) or self._plain(name, orders) for name in names]

    async def show(self, key: str, limit_key: str | None = None) -> LimitStanding:
        """How one key stands; `limit_key` is the text behind its hash, where it is known. Raises Unavailable."""
        control = await self.fleet.control()
        return _called(await self._look(key, self._in_force(control.limits), control.crowding), limit_key)

    async def set(self, key: str, order: LimitOrder) -> LimitStanding:
        """Another limit for one key, in place of what a file says of the same, until it ends or is lifted.

        Raises LimitRefused where it limits nothing, would never end, or there are too many, NotAllowedNow, Unavailable.
        """
        now = self.clock.now()
        if (fault := order_fault(order, now)) is not None:
            raise LimitRefused(fault)
        order = replace(order, since=now, reason=order.reason[:MAX_REASON])
        return await self._change(key, order, order.by)

    async def pause(
        self, key: str, until: int | None, by: str, reason: str = "", limit_key: str | None = None
    ) -> LimitStanding:
        """No job of this key starts until then (epoch ms), 24 h ahead at most; what runs is finished.

        Raises LimitRefused as `set` does, NotAllowedNow, Unavailable.
        """
        return await self.set(key, LimitOrder(concurrency=0, until=until, by=by, reason=reason, limit_key=limit_key))

    async def lift(self, key: str, by: str, reason: str = "", limit_key: str | None = None) -> LimitStanding:
        """What the file says holds again: a pause ends, and so does any other limit of an operator.

        Raises NotAllowedNow, Unavailable.
        """
        return _called(await self._change(key, None, by, reason), limit_key)

    async def _change(self, key: str, order: LimitOrder | None, by: str, reason: str = "") -> LimitStanding:
        """One change under the control's revision: nobody's change is lost. Who waits is looked after at once."""
        for _ in range(MAX_TRIES):
            control = await self.fleet.control()
            kept = {name: one for name, one in self._in_force(control.limits).items() if name != key}
            if order is not None and len(kept) >= MOST_ORDERS:
                raise LimitRefused(
                    f"Operators already say something of {MOST_ORDERS} keys: lift some, or write a limit into the file."
                )
            changed = kept if order is None else {**kept, key: order}
            if await self.fleet.change_control(replace(control, revision=control.revision + 1, limits=changed)):
                said = order or LimitOrder(by=by, reason=reason[:MAX_REASON])
                self.emit(
                    LimitOrdered(
                        key=key,
                        concurrency=said.concurrency,
                        rate=None if said.rate is None else str(said.rate),
                        until=said.until,
                        by=said.by,
                        reason=said.reason,
                    )
                )
                await self._have_swept(key)
                self.on_change()
                return await self._look(key, changed, control.crowding)
        raise NotAllowedNow("The fleet's control changes too quickly; try again.")

    async def _have_swept(self, key: str) -> None:
        """Who waits shall not wait for the next look at the key."""
        for slots in await self.limits.slots(key):
            if slots.waiting is not None:
                await self.limits.put_off(key, slots.waiting, self.clock.now())

    async def _waited_for(self) -> Sequence[str]:
        """Keys for which somebody waits, as far as the index of due jobs has them."""
        try:
            return sorted(await self.limits.marked(FAR, MOST_SHOWN))
        except NotProvisioned:
            return ()

    async def _look(self, key: str, orders: Mapping[str, LimitOrder], crowding: Crowding | None) -> LimitStanding:
        shards, state, waiting, first = await asyncio.gather(
            self.limits.slots(key),
            self.rates.rate_state(key),
            self.limits.count_waiters(key, MOST_COUNTED),
            self.limits.first_waiters(key, 1),
        )
        plain, oldest = self._plain(key, orders), first[0] if first else None
        records = await self._records(shards, oldest)
        return LimitStanding(
            key=key,
            limit_key=plain.limit_key or _limit_key_of(key, records),
            written=plain.written,
            order=plain.order,
            limit=plain.limit,
            held=sum(len(slots.held) for slots in shards),
            dead=self._count_dead(shards, records),
            waiting=waiting,
            oldest=oldest,
            next_start=self._next_start(key, plain.limit, state),
            is_full=crowding is not None and crowding.first_full((key,), self.clock.now()) is not None,
        )

    def _plain(self, key: str, orders: Mapping[str, LimitOrder]) -> LimitStanding:
        now = self.clock.now()
        limit = LimitTable(self.written, orders).limit_of(key, now)
        written = LimitTable(self.written).limit_of(key, now) or self.written.get(key)
        order = orders.get(key)
        text = None if order is None else order.limit_key
        return LimitStanding(key=key, limit_key=text, written=written, order=order, limit=limit)

    async def _records(self, shards: Sequence[Slots], oldest: Waiter | None) -> Mapping[str, JobRecord]:
        """Those of the holders; where nobody holds a slot, that of the oldest who waits: it names the key, too."""
        ids = [job_id for job_id, _ in _judged(shards)] or ([] if oldest is None else [oldest.job_id])
        return {record.job_id: record for record in await self.read_many(ids)}

    def _count_dead(self, shards: Sequence[Slots], records: Mapping[str, JobRecord]) -> int:
        before = self.clock.now() - MARGIN_MS
        return sum(not _is_held(records.get(job_id), token, before) for job_id, token in _judged(shards))

    def _next_start(self, key: str, limit: Limit | None, state: RateState | None) -> int | None:
        if limit is None or limit.rate is None:
            return None
        ask = ask_of(key, limit, now_ms=self.clock.now(), within=0)
        return -(-ask.times_from(ask.now if state is None else state.place(ask))[0] // 1000)

    def _in_force(self, orders: Mapping[str, LimitOrder]) -> dict[str, LimitOrder]:
        now = self.clock.now()
        return {key: order for key, order in orders.items() if order.is_in_force(now)}


def key_from(name: str, tenant: str) -> str:
    """The key that a person names: `key:<limit_key>` is one of this tenant's. Raises LimitRefused where it is none."""
    kind, _, rest = name.partition(":")
    if (fault := tenant_fault(rest if kind == "tenant" and rest not in ("", EVERY) else tenant)) is not None:
        raise LimitRefused(f"No tenant has this name: it {fault}.")
    if kind == "key" and rest and rest != EVERY:
        if tenant_of_key(name) is not None:
            return name
        if len(rest) > MAX_LIMIT_KEY:
            raise LimitRefused(f"A limit_key has {MAX_LIMIT_KEY} characters at most, this one has {len(rest)}.")
        return hashed_key(tenant, rest)
    if rest == EVERY or pattern_fault(name) is not None:
        raise LimitRefused(
            f'{name[:100]!a} is no key: name a type ("type:mail"), a queue ("queue:jobs"), a tenant ("tenant:acme") or '
            'a limit_key ("key:inbox-7"). What holds for each tenant or each key by itself stands in the configuration.'
        )
    return name


def limit_key_in(name: str) -> str | None:
    """The text of a `limit_key` that a person names; None where a name is of something else, or a hash."""
    return name.removeprefix("key:") if name.startswith("key:") and tenant_of_key(name) is None else None


def _judged(shards: Sequence[Slots]) -> Sequence[tuple[str, str]]:
    return sorted((job_id, token) for slots in shards for job_id, token in slots.held.items())[:MOST_JUDGED]


def _called(standing: LimitStanding, limit_key: str | None) -> LimitStanding:
    return standing if limit_key is None else dataclasses.replace(standing, limit_key=limit_key)


def _limit_key_of(key: str, records: Mapping[str, JobRecord]) -> str | None:
    """The text that a key's hash was made of, as one of these jobs says it."""
    if tenant_of_key(key) is None:
        return None
    texts = (record.limit_key for _, record in sorted(records.items()))
    return next((text for text in texts if text is not None and named_key(key, text) != shown_key(key)), None)


def _is_held(record: JobRecord | None, token: str, before: int) -> bool:
    """Whether an attempt under this token is alive, as far as its record says."""
    return (
        record is not None
        and record.status is Status.RUNNING
        and record.token == token
        and not record.has_expired(before)
    )
