"""The port of limits of a simulated process."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from cqworker.errors import NotProvisioned
from cqworker.ports.limits import Hold, Slots, SlotsAnswer, Waiter
from cqworker.testing.memory_limits import MemoryLimits
from tests.simulation.index_service import IndexService
from tests.simulation.network import Call, Link

T = TypeVar("T")


def at_once(call: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing: what is in memory is there."""
    try:
        call.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("it waited")


class SimLimits:
    """Slots and waiting lists behind a link: a call of any kind may be late, lost, or carried out twice."""

    def __init__(self, limits: MemoryLimits, index: IndexService, link: Link) -> None:
        self._limits = limits
        self._index = index
        self._link = link

    async def acquire(self, hold: Hold, most: int, *, in_turn: bool) -> SlotsAnswer:
        return await self._write("acquire", hold, lambda: at_once(self._limits.acquire(hold, most, in_turn=in_turn)))

    async def replace(self, hold: Hold, former: str) -> SlotsAnswer:
        return await self._write("replace", hold, lambda: at_once(self._limits.replace(hold, former)))

    async def take_over(self, hold: Hold, dead: Hold) -> SlotsAnswer:
        return await self._write("take_over", hold, lambda: at_once(self._limits.take_over(hold, dead)))

    async def free(self, hold: Hold) -> SlotsAnswer:
        return await self._write("free", hold, lambda: at_once(self._limits.free(hold)))

    async def spread(self, key: str, shards: int) -> None:
        await self._call("spread", key, lambda: at_once(self._limits.spread(key, shards)))

    async def slots(self, key: str) -> Sequence[Slots]:
        return await self._read("slots", key, lambda: at_once(self._limits.slots(key)))

    async def put_waiter(self, key: str, waiter: Waiter) -> Waiter | None:
        return await self._call(
            "put_waiter", f"{key} {waiter.job_id}", lambda: at_once(self._limits.put_waiter(key, waiter))
        )

    async def replace_waiter(self, key: str, waiter: Waiter, former: str) -> bool:
        about = f"{key} {waiter.job_id}"
        return await self._call(
            "replace_waiter", about, lambda: at_once(self._limits.replace_waiter(key, waiter, former))
        )

    async def delete_waiter(self, key: str, waiter: Waiter) -> bool:
        about = f"{key} {waiter.job_id}"
        return await self._call("delete_waiter", about, lambda: at_once(self._limits.delete_waiter(key, waiter)))

    async def first_waiters(self, key: str, number: int, after: Waiter | None = None) -> Sequence[Waiter]:
        return await self._read("first_waiters", key, lambda: at_once(self._limits.first_waiters(key, number, after)))

    async def count_waiters(self, key: str, most: int) -> int:
        return await self._read("count_waiters", key, lambda: at_once(self._limits.count_waiters(key, most)))

    async def mark(self, key: str, mark: str, at: int) -> Slots:
        return await self._call("mark", f"{key} {mark}", lambda: at_once(self._limits.mark(key, mark, at)))

    async def marked(self, until: int, number: int) -> Sequence[str]:
        found = await self._read(
            "due",
            "limits",
            lambda: at_once(self._limits.marked(until, number)) if self._index.is_ready() else None,
        )
        if found is None:
            raise NotProvisioned("There is no index.")
        return found

    async def put_off(self, key: str, seen: str, at: int) -> bool:
        return await self._call("put_off", f"{key} {seen}", lambda: at_once(self._limits.put_off(key, seen, at)))

    async def clear_mark(self, key: str, seen: str) -> bool:
        return await self._call("clear_mark", f"{key} {seen}", lambda: at_once(self._limits.clear_mark(key, seen)))

    async def _write(self, name: str, hold: Hold, serve: Callable[[], SlotsAnswer]) -> SlotsAnswer:
        return await self._call(name, f"{hold.key} {hold.job_id} {hold.token}", serve)

    async def _call(self, name: str, about: str, serve: Callable[[], T]) -> T:
        return await self._link.call(Call("dynamodb", name, about), serve)

    async def _read(self, name: str, about: str, serve: Callable[[], T]) -> T:
        return await self._link.call(Call("dynamodb", name, about, reads=True), serve)
