"""Sends of one queue travel together: ten to a request under load, a lone one at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from cqworker.errors import CqworkerError
from cqworker.ports import BATCH, MAX_MESSAGE, Delivery, Depth, EntryFault, JobQueue, Letter

GATHERING = 0.003
"""Seconds a send waits for company at most, and only while another request is under way."""


@dataclass(frozen=True, slots=True, eq=False)
class Sending:
    """A letter on its way; `sent` is resolved when the queue has it, and fails with what `send` raises."""

    letter: Letter
    size: int
    sent: asyncio.Future[None]


class BatchedSends:
    """A queue whose sends are gathered; everything else goes straight through.

    Where nothing is under way a send leaves with those of the same loop turn. While a request is under way sends
    gather until there are ten, until nothing is under way any more, or for GATHERING. A return among others is no
    reason to leave: with many small requests under way each return would send off another small one.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._waiting: deque[Sending] = deque()
        self._departure: asyncio.Handle | None = None
        self._requests: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return self._queue.name

    async def send(self, letter: Letter) -> None:
        """As JobQueue.send. Whoever gives up before the request left takes the letter along."""
        loop = asyncio.get_running_loop()
        sending = Sending(letter, letter.size, loop.create_future())
        self._waiting.append(sending)
        while len(self._waiting) >= BATCH:
            self._leave()
        if self._waiting and self._departure is None:
            depart = self._depart
            self._departure = loop.call_later(GATHERING, depart) if self._requests else loop.call_soon(depart)
        await sending.sent

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        return await self._queue.send_many(letters)

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        return await self._queue.receive(limit, wait, visibility)

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        return await self._queue.delete(receipts)

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        return await self._queue.change_visibility(changes)

    async def depth(self) -> Depth:
        return await self._queue.depth()

    def _depart(self) -> None:
        """Everybody who waits leaves."""
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        while self._waiting:
            self._leave()

    def _leave(self) -> None:
        """One request with as many of those who wait, oldest first, as may travel together."""
        batch: list[Sending] = []
        size = 0
        while self._waiting and len(batch) < BATCH:
            if self._waiting[0].sent.done():
                self._waiting.popleft()
                continue
            size += self._waiting[0].size
            if batch and size > MAX_MESSAGE:
                break
            batch.append(self._waiting.popleft())
        if batch:
            request = asyncio.get_running_loop().create_task(self._carry(batch))
            self._requests.add(request)
            request.add_done_callback(self._returned)

    def _returned(self, request: asyncio.Task[None]) -> None:
        self._requests.discard(request)
        if not self._requests and self._waiting:
            self._depart()

    async def _carry(self, batch: Sequence[Sending]) -> None:
        answers: Sequence[Exception | None]
        try:
            answers = await self._request([sending.letter for sending in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, each sender has to hear of it
            answers = [error] * len(batch)
        for sending, fault in zip(batch, answers, strict=True):
            if sending.sent.done():
                continue
            if fault is None:
                sending.sent.set_result(None)
            else:
                sending.sent.set_exception(fault)

    async def _request(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        if len(letters) > 1:
            return await self._queue.send_many(letters)
        await self._queue.send(letters[0])
        return [None]
