"""Idempotency keys: which job is the answer to every try of one request, also where that job is another request's."""

from __future__ import annotations

import asyncio
import hashlib

import orjson
from msgspec.structs import replace

from cqworker.errors import KeyReused
from cqworker.flow.context import Context
from cqworker.jobs.submission import CheckedSubmission, Submission
from cqworker.model.record import JobRecord
from cqworker.ports import KeyItem
from cqworker.ports.unique_keys import UniqueKeys

KEY_LIFE_MS = 86_400_000
"""How long an idempotency key is honoured: 24 h, by the time it carries and not by TTL deletion."""
HEAL_AFTER = 1.0
"""Seconds in which the first request with a key may still be on its way to the queue."""
LOOK_AGAIN = 0.1
"""Seconds between two consistent reads of the record of that first request."""


class RequestKeys:
    """Reserves idempotency keys, and reads the jobs that they name."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._clock = context.clock

    async def reserve(self, fit: CheckedSubmission, job_id: str, now: int) -> tuple[KeyItem | None, KeyItem | None]:
        """The request's key for a job of this id, if it has one; and the item that an earlier try of it has put.

        Raises KeyReused, Unavailable.
        """
        if (key := _key_item(fit, job_id, now)) is None:
            return None, None
        holder = await self._store.reserve_key(key, now)
        if holder is not None and holder.request != key.request:
            raise KeyReused("This Idempotency-Key was used with another request within the last 24 hours.")
        return key, holder

    async def find_job_of(self, holder: KeyItem) -> JobRecord | None:
        """The job of an earlier try; None when that never got as far as the queue."""
        deadline = self._clock.monotonic() + HEAL_AFTER
        while (record := await self._store.get(holder.job_id)) is None:
            if self._clock.monotonic() >= deadline:
                return None
            await asyncio.sleep(LOOK_AGAIN)
        return record


class RequestKey:
    """The key of one request for a unique job, as this try of it knows it; a request without one has one try.

    Each method returns None where the key says so from now on, else the item as another try has put it. `is_open`:
    the job that it names is there, and is not the answer, nor ever will be.

    A replacement is written only while the key says which: of which job, the how manieth, and in which round and under
    which token, for a job that has left those has none any more. So whoever reads the key can tell whether it was done.
    """

    def __init__(self, keys: UniqueKeys, item: KeyItem | None, *, is_open: bool = False) -> None:
        self.item = item
        self.is_open = is_open
        self._keys = keys

    async def decide(self, job_id: str) -> KeyItem | None:
        """This job is the answer, whoever makes it. Raises Unavailable."""
        item = self.item
        if item is None:
            return None
        if item.decided and not self.is_open:
            return None if item.job_id == job_id else item
        return await self._put(item, replace(item, job_id=job_id, decided=True, replacement=None, standing=None))

    async def begin(self, record: JobRecord) -> KeyItem | None:
        """The next replacement of this job is to be the request. Raises Unavailable."""
        item = self.item
        if item is None:
            return None
        if item.decided and not self.is_open and item.job_id != record.job_id:
            return item
        number = (record.replacements or 0) + 1
        return await self._put(item, _names(item, record, number, decided=False))

    async def confirm(self, record: JobRecord) -> KeyItem | None:
        """The request was done, or a later one came after it: so the record says. Raises Unavailable.

        That is written where the job has left what the key says: there another try may have taken it for not done.
        """
        item, number = self.item, record.replacements or 0
        if item is None or not number or item.standing == standing_of(record):
            return None
        if item.decided and item.replacement is not None:
            return None
        return await self._put(item, _names(item, record, number, decided=True))

    async def _put(self, item: KeyItem, wanted: KeyItem) -> KeyItem | None:
        other = None if wanted.named == item.named else await self._keys.decide(wanted, item)
        if other is None:
            self.item, self.is_open = wanted, False
        return other


def is_done(key: KeyItem, record: JobRecord, submission: Submission) -> bool:
    """Whether the job that the key names is the answer to its request.

    A job that the request was to make may have been made by another one, with the payload of that.
    """
    count = record.replacements or 0
    if key.replacement is not None:
        return count >= key.replacement
    return not submission.replaces or count > 0 or has_payload_of(record, submission)


def has_payload_of(record: JobRecord, submission: Submission) -> bool:
    """Whether the job's payload is the same JSON."""
    if record.payload is None or record.payload == submission.payload:
        return record.payload is not None
    return bool(orjson.loads(record.payload) == orjson.loads(submission.payload))


def standing_of(record: JobRecord) -> str:
    """The round of a job and the token of its last start: it never comes back to either."""
    return f"{record.round} {record.token or ''}"


def _names(item: KeyItem, record: JobRecord, number: int, *, decided: bool) -> KeyItem:
    job_id, standing = record.job_id, standing_of(record)
    return replace(item, job_id=job_id, decided=decided, replacement=number, standing=standing)


def _key_item(fit: CheckedSubmission, job_id: str, now: int) -> KeyItem | None:
    """The item of the request's idempotency key, if it has one, for a job of this id."""
    if fit.submission.idempotency_key is None:
        return None
    owned = f"{fit.submission.tenant}\0{fit.submission.idempotency_key}".encode()
    return KeyItem(hashlib.sha256(owned).hexdigest(), job_id, fit.fingerprint, now + KEY_LIFE_MS)
