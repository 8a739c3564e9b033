"""The store's writes, gathered: those that are under way together go out as one request, a lone one at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from cqworker.aws.aws_call import Calls
from cqworker.aws.dynamodb.batch_request import MOST, Answered, Batches
from cqworker.aws.dynamodb.partiql import FORMS
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import JobStore, KeyItem

LINGER = 0.003
"""Seconds that a write waits for others, and only while an earlier one is not answered."""


class Waiting(Struct):
    """A write that has not been sent, and where its answer is awaited."""

    change: Change
    answer: asyncio.Future[Answered]


class BatchedStore:
    """A store whose claims, renewals, settles and hand-backs share requests; every other call is `store`'s own.

    What a batch leaves undecided is written singly, so that its answer is the single write's.
    """

    def __init__(self, store: JobStore, clients: Calls, table: str) -> None:
        self._store = store
        self._batches = Batches(clients, table)
        self._waiting: list[Waiting] = []
        self._sending: asyncio.Handle | None = None
        self._under_way = 0
        self._requests: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, job_id: str) -> JobRecord | None:
        """As JobStore.get."""
        return await self._store.get(job_id)

    async def write(self, change: Change) -> Written | Refused:
        """As JobStore.write."""
        if type(change) in FORMS and not self._batches.rest:
            answered = await self._gathered(change)
            if answered is not None:
                return answered
        self._under_way += 1
        try:
            return await self._store.write(change)
        finally:
            self._return()

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        """As JobStore.reserve_key."""
        return await self._store.reserve_key(key, now)

    async def check(self) -> None:
        """As JobStore.check."""
        await self._store.check()

    async def check_writing(self) -> None:
        """As JobStore.check_writing."""
        await self._store.check_writing()

    def _gathered(self, change: Change) -> asyncio.Future[Answered]:
        loop = self._loop = self._loop or asyncio.get_running_loop()
        answer: asyncio.Future[Answered] = loop.create_future()
        self._waiting.append(Waiting(change, answer))
        if self._sending is None:
            self._sending = loop.call_later(LINGER, self._send) if self._under_way else loop.call_soon(self._send)
        elif len(self._waiting) == MOST:
            self._send()
        return answer

    def _send(self) -> None:
        """Sends everything that waits; what is alone in its request goes as a single write."""
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        left = [waiting for waiting in self._waiting if not waiting.answer.done()]
        self._waiting = []
        while left:
            batch, left = _parted(left)
            if len(batch) == 1:
                batch[0].answer.set_result(None)
                continue
            self._under_way += 1
            request = asyncio.get_running_loop().create_task(self._deliver(batch))
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)

    async def _deliver(self, batch: Sequence[Waiting]) -> None:
        try:
            answers = await self._batches.execute([waiting.change for waiting in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for an answer
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)
        finally:
            self._return()

    def _return(self) -> None:
        """A request has ended. Where others go on it is no reason to leave: small requests would make small ones."""
        self._under_way -= 1
        if self._waiting and not self._under_way:
            self._send()


def _parted(waiting: Sequence[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
    """As many as a batch can hold, of each job one: two statements for one key make DynamoDB refuse the request."""
    batch: dict[str, Waiting] = {}
    left: list[Waiting] = []
    for one in waiting:
        if len(batch) < MOST and one.change.job_id not in batch:
            batch[one.change.job_id] = one
        else:
            left.append(one)
    return list(batch.values()), left
