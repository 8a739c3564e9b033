"""The store's writes, gathered: those that are under way together go out as one request, a lone one at once."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from cqworker.aws.aws_call import Calls
from cqworker.aws.dynamodb.batch_request import MAX_STATEMENTS, BatchResult, BatchWriter
from cqworker.aws.dynamodb.partiql import BATCHABLE
from cqworker.gatherer import Gatherer
from cqworker.model.record import JobRecord
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import JobStore, KeyItem

LINGER_SECONDS = 0.003
"""Seconds that a write waits for others at most, and only while another request is under way."""


class PendingWrite(Struct):
    """A write that has not been sent, and where its answer is awaited."""

    change: Change
    answer: asyncio.Future[BatchResult]


class BatchedStore:
    """A store whose claims, renewals, settles and hand-backs share requests; every other call is `store`'s own.

    What a batch leaves undecided is written singly, so that its answer is the single write's.
    """

    def __init__(self, store: JobStore, clients: Calls, table: str, linger: float = LINGER_SECONDS) -> None:
        self._store = store
        self._batch_writer = BatchWriter(clients, table)
        self._writes = Gatherer[PendingWrite](
            self._send_batch, MAX_STATEMENTS, linger, lone_at_once=True, select=_select, send_lone=_write_singly
        )
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, job_id: str) -> JobRecord | None:
        """As JobStore.get."""
        return await self._store.get(job_id)

    async def write(self, change: Change) -> Written | Refused:
        """As JobStore.write."""
        if type(change) in BATCHABLE and not self._batch_writer.is_suspended:
            loop = self._loop = self._loop or asyncio.get_running_loop()
            pending = PendingWrite(change, loop.create_future())
            self._writes.add(pending)
            result = await pending.answer
            if result is not None:
                return result
        self._writes.outside_requests += 1
        try:
            return await self._store.write(change)
        finally:
            self._writes.outside_requests -= 1
            self._writes.send_if_idle()

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        """As JobStore.reserve_key."""
        return await self._store.reserve_key(key, now)

    async def check(self) -> None:
        """As JobStore.check."""
        await self._store.check()

    async def check_writing(self) -> None:
        """As JobStore.check_writing."""
        await self._store.check_writing()

    async def _send_batch(self, batch: list[PendingWrite]) -> None:
        try:
            answers = await self._batch_writer.execute([pending.change for pending in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait for an answer
            for pending in batch:
                if not pending.answer.done():
                    pending.answer.set_exception(error)
        else:
            for pending, answer in zip(batch, answers, strict=True):
                if not pending.answer.done():
                    pending.answer.set_result(answer)


def _write_singly(pending: PendingWrite) -> None:
    """What is alone in its request goes as a single write."""
    pending.answer.set_result(None)


def _select(waiting: list[PendingWrite]) -> tuple[list[PendingWrite], list[PendingWrite]]:
    """As many as a batch can hold, of each job one: two statements for one key make DynamoDB refuse the request."""
    batch: dict[str, PendingWrite] = {}
    left: list[PendingWrite] = []
    for one in waiting:
        if one.answer.done():
            continue
        if len(batch) < MAX_STATEMENTS and one.change.job_id not in batch:
            batch[one.change.job_id] = one
        else:
            left.append(one)
    return list(batch.values()), left
