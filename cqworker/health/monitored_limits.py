"""The limits as the daemon uses them: every call's result is remembered for readiness, as one of the store."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from cqworker.health.service_health import READING, STORE, WRITING, ServiceHealth
from cqworker.model.rates import Busy, RateAsk, RateState, Reserved
from cqworker.ports.limits import Hold, Limits, Slots, SlotsAnswer, Waiter
from cqworker.ports.rates import Rates

LIMITING = "keeping limits"
Read = TypeVar("Read")


class MonitoredLimits:
    """Limits whose every call is remembered in `health`; raises what they raise."""

    def __init__(self, limits: Limits, health: ServiceHealth) -> None:
        self._limits = limits
        self._health = health

    async def acquire(self, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        return await self._watched(self._limits.acquire(hold, most, in_turn=in_turn))

    async def replace(self, hold: Hold, former: str) -> SlotsAnswer:
        return await self._watched(self._limits.replace(hold, former))

    async def take_over(self, hold: Hold, dead: Hold) -> SlotsAnswer:
        return await self._watched(self._limits.take_over(hold, dead))

    async def free(self, hold: Hold) -> SlotsAnswer:
        return await self._watched(self._limits.free(hold))

    async def spread(self, key: str, shards: int) -> None:
        await self._watched(self._limits.spread(key, shards))

    async def slots(self, key: str) -> Sequence[Slots]:
        return await self._watched(self._limits.slots(key))

    async def put_waiter(self, key: str, waiter: Waiter) -> Waiter | None:
        return await self._watched(self._limits.put_waiter(key, waiter))

    async def replace_waiter(self, key: str, waiter: Waiter, former: str) -> bool:
        return await self._watched(self._limits.replace_waiter(key, waiter, former))

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        return await self._watched(self._limits.delete_waiter(key, waiter))

    async def first_waiters(self, key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        return await self._watched(self._limits.first_waiters(key, number, after))

    async def count_waiters(self, key: str, most: int) -> int:
        return await self._watched(self._limits.count_waiters(key, most))

    async def mark(self, key: str, mark: str, at: int) -> Slots:
        return await self._watched(self._limits.mark(key, mark, at))

    async def marked(self, until: int, number: int) -> Sequence[str]:
        return await self._watched(self._limits.marked(until, number))

    async def put_off(self, key: str, seen: str, at: int) -> bool:
        return await self._watched(self._limits.put_off(key, seen, at))

    async def clear_mark(self, key: str, seen: str) -> bool:
        return await self._watched(self._limits.clear_mark(key, seen))

    async def _watched(self, call: Awaitable[Read]) -> Read:
        with self._health.monitor(STORE, LIMITING):
            return await call


class MonitoredRates:
    """Rates whose every call is remembered in `health` as one of the store; raises what the rates raise."""

    def __init__(self, rates: Rates, health: ServiceHealth) -> None:
        self._rates = rates
        self._health = health

    async def reserve(self, ask: RateAsk) -> Reserved | Busy:
        with self._health.monitor(STORE, WRITING):
            return await self._rates.reserve(ask)

    async def rate_state(self, key: str) -> RateState | None:
        with self._health.monitor(STORE, READING):
            return await self._rates.rate_state(key)
