"""Sends of one queue travel together: ten to a request under load, a lone one at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cqworker.errors import CqworkerError
from cqworker.gatherer import Gatherer
from cqworker.ports import BATCH, MAX_MESSAGE, Delivery, Depth, EntryFault, JobQueue, Letter

LINGER_SECONDS = 0.003
"""Seconds that a send waits for others at most, and only while another request is under way."""


class PendingSend(Struct):
    """A message on its way; `sent` is resolved when the queue has it, and fails with what `send` raises."""

    letter: Letter
    sent: asyncio.Future[None]


class BatchedSends:
    """A queue whose sends are gathered; everything else goes straight through."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._sends = Gatherer[PendingSend](self._send_batch, BATCH, LINGER_SECONDS, lone_at_once=True, select=_select)

    @property
    def name(self) -> str:
        """As JobQueue.name."""
        return self._queue.name

    async def send(self, letter: Letter) -> None:
        """As JobQueue.send. What is cancelled before its request was made is not sent."""
        pending = PendingSend(letter, asyncio.get_running_loop().create_future())
        self._sends.add(pending)
        await pending.sent

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        """As JobQueue.send_many."""
        return await self._queue.send_many(letters)

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        """As JobQueue.receive."""
        return await self._queue.receive(limit, wait, visibility)

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        """As JobQueue.delete."""
        return await self._queue.delete(receipts)

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        """As JobQueue.change_visibility."""
        return await self._queue.change_visibility(changes)

    async def depth(self) -> Depth:
        """As JobQueue.depth."""
        return await self._queue.depth()

    async def _send_batch(self, batch: list[PendingSend]) -> None:
        answers: Sequence[Exception | None]
        try:
            answers = await self._request([pending.letter for pending in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, each sender has to hear of it
            answers = [error] * len(batch)
        for pending, fault in zip(batch, answers, strict=True):
            if pending.sent.done():
                continue
            if fault is None:
                pending.sent.set_result(None)
            else:
                pending.sent.set_exception(fault)

    async def _request(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        if len(letters) > 1:
            return await self._queue.send_many(letters)
        await self._queue.send(letters[0])
        return [None]


def _select(waiting: list[PendingSend]) -> tuple[list[PendingSend], list[PendingSend]]:
    """As many as one request can carry, oldest first, without those that were given up; and the rest."""
    batch: list[PendingSend] = []
    size = 0
    for place, pending in enumerate(waiting):
        if pending.sent.done():
            continue
        size += pending.letter.size
        if len(batch) == BATCH or (batch and size > MAX_MESSAGE):
            return batch, waiting[place:]
        batch.append(pending)
    return batch, []
