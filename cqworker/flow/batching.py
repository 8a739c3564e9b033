"""Entries gathered into requests of ten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from cqworker.errors import Unavailable
from cqworker.model.backoff import pauses
from cqworker.ports import BATCH, EntryFault

Entry = TypeVar("Entry")
TRIES = 5


class Batch(Generic[Entry]):
    """Sends entries ten at a time, or when the oldest has waited for `linger` seconds; repeats only what failed."""

    def __init__(
        self,
        request: Callable[[Sequence[Entry]], Awaitable[Sequence[EntryFault]]],
        linger: float,
        report: Callable[[EntryFault], None],
        receipt_of: Callable[[Entry], str],
    ) -> None:
        self._request = request
        self._linger = linger
        self._report = report
        self._receipt_of = receipt_of
        self._waiting: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._requests: set[asyncio.Task[None]] = set()

    def add(self, entry: Entry) -> None:
        self._waiting.append(entry)
        if len(self._waiting) >= BATCH:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._linger, self._send)

    async def flush(self) -> None:
        """Sends what waits and returns when every request was answered or given up."""
        self._send()
        while self._requests:
            await asyncio.wait(self._requests)  # since 3.12 a gather of ended tasks returns before they leave the set

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            entries, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            request = asyncio.get_running_loop().create_task(self._deliver(entries))
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)

    async def _deliver(self, entries: list[Entry]) -> None:
        waits = pauses(cap=5.0)
        for last in (False,) * (TRIES - 1) + (True,):
            faults = await self._try(entries)
            hopeless = [fault for fault in faults if fault.gone or last]
            for fault in hopeless:
                self._report(fault)
            again = {fault.receipt for fault in faults} - {fault.receipt for fault in hopeless}
            entries = [entry for entry in entries if self._receipt_of(entry) in again]
            if not entries:
                return
            await asyncio.sleep(next(waits))

    async def _try(self, entries: list[Entry]) -> Sequence[EntryFault]:
        try:
            return await self._request(entries)
        except Exception as error:  # noqa: BLE001 - an error that no rule foresaw is told like the others
            reason = error.cause if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
            return [EntryFault(self._receipt_of(entry), reason, gone=False) for entry in entries]
