"""Requests for several entries of which some may fail: repeated for what may yet succeed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from cqworker.errors import Unavailable
from cqworker.model.backoff import retry_pauses
from cqworker.ports import EntryFault

Entry = TypeVar("Entry")
TRIES = 5
"""How often an entry is sent in all, its first request included."""


class RequestWithRetries(Generic[Entry]):
    """A request for several entries, repeated for those of them that failed and may yet succeed.

    `receipt_of` is an entry's receipt, by which a fault names it; `report` hears of every entry that is given up.
    """

    def __init__(
        self,
        request: Callable[[Sequence[Entry]], Awaitable[Sequence[EntryFault]]],
        report: Callable[[EntryFault], None],
        receipt_of: Callable[[Entry], str],
    ) -> None:
        self._request = request
        self._report = report
        self._receipt_of = receipt_of

    async def send(self, entries: list[Entry]) -> None:
        """Returns when every entry was done or given up; never raises."""
        waits = retry_pauses(cap=5.0)
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
