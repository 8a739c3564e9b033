"""Unique jobs: a submission takes its key, or meets the job that has it; a retry takes it for its round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from cqworker.errors import NotAllowedNow, Unavailable
from cqworker.flow.context import Context
from cqworker.model.record import JobRecord
from cqworker.model.unique_hold import Standing, UniqueHold, scope_and_key

UNSENT_FOR = 1.0
"""Seconds in which whoever took a key may still be on the way to the queue."""
LOOK_AGAIN = 0.1
"""Seconds between two consistent reads of the record of the job that it took the key for."""
MAX_TRIES = 8
"""Takes that one request tries: each is refused only because somebody else was faster."""
KEPT_LONGER = 86_400
"""Seconds, a day, by which a job's record has to outlive its key before the key is put once more with the later end."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The key is ours from now on."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Another job has the key: the take that names it, and its record as it was just read."""

    hold: UniqueHold
    record: JobRecord


@dataclass(frozen=True, slots=True)
class Unsent:
    """The key names a job that was never sent, or a round of it that was not: whoever took the key has died since.

    `record` is the job's, in an earlier round; None where it has none.
    """

    hold: UniqueHold
    record: JobRecord | None


Meeting = Taken | Bound | Unsent


class UniqueJobs:
    """Takes unique keys. Nothing releases one: it is worth what the record of its job says."""

    def __init__(self, context: Context) -> None:
        self._keys = context.unique_keys
        self._store = context.store
        self._clock = context.clock
        self._retention = context.retention

    async def take(self, wanted: UniqueHold) -> Meeting:
        """Takes a key for a new job, unless it names one that binds it or that was not sent. Raises Unavailable."""
        for _ in range(MAX_TRIES):
            held = await self._keys.take(wanted)
            if held is None:
                return Taken()
            record, standing = await self._judge(held)
            match standing:
                case Standing.BINDS if record is not None:
                    await self._keep_for(held, record)
                    return Bound(held, record)
                case Standing.UNSENT:
                    return Unsent(held, record)
                case Standing.BINDS | Standing.FREE:
                    pass
            wanted = replace(wanted, rev=held.rev + 1)
        raise too_quick()

    async def take_round(self, record: JobRecord) -> None:
        """Takes the key of a job that is about to begin its next round; a job without one needs none.

        Raises NotAllowedNow where another job binds the key, or may be about to, and Unavailable.
        """
        if record.unique is None:
            return
        scope, key = scope_and_key(record.unique)
        number = record.round + 1
        purge_at = self._retention.purge_at(self._clock.now())
        wanted = UniqueHold(key=key, job_id=record.job_id, rev=1, scope=scope, round=number, purge_at=purge_at)
        for _ in range(MAX_TRIES):
            held = await self._keys.take(wanted)
            if held is None:
                return
            if held.job_id != record.job_id:
                await self._require_free(held, record)
            elif held.round >= number and purge_at - held.purge_at <= KEPT_LONGER:
                return
            else:
                wanted = replace(wanted, round=max(number, held.round), expires_at=held.expires_at)
            wanted = replace(wanted, rev=held.rev + 1)
        raise too_quick()

    async def keep(self, held: UniqueHold, purge_at: int) -> UniqueHold | None:
        """The take under which a job is sent that was never sent before: kept for as long as the job is from now on.

        Its message lives for 14 days, whenever it was named. None where another take was faster. Raises Unavailable.
        """
        if purge_at - held.purge_at <= KEPT_LONGER:
            return held
        kept = replace(held, rev=held.rev + 1, purge_at=purge_at)
        return kept if await self._keys.take(kept) is None else None

    async def is_free(self, held: UniqueHold) -> bool:
        """Whether the job that the key names keeps nobody from being made by now. Raises Unavailable."""
        return held.standing(await self._store.get(held.job_id), self._clock.now()) is Standing.FREE

    async def _judge(self, held: UniqueHold) -> tuple[JobRecord | None, Standing]:
        """Reads the job that the key names; for a moment once more while it may be under way."""
        deadline = self._clock.monotonic() + UNSENT_FOR
        while True:
            record = await self._store.get(held.job_id)
            standing = held.standing(record, self._clock.now())
            if standing is not Standing.UNSENT or self._clock.monotonic() >= deadline:
                return record, standing
            await asyncio.sleep(LOOK_AGAIN)

    async def _require_free(self, held: UniqueHold, record: JobRecord) -> None:
        _, standing = await self._judge(held)
        if standing is Standing.FREE:
            return
        raise NotAllowedNow(
            f"Job {record.job_id} cannot have its unique key again: {_HINDRANCES[standing](held.job_id)}."
        )

    async def _keep_for(self, held: UniqueHold, record: JobRecord) -> None:
        """The key of a job that is kept longer than was known when the key was taken is kept as long."""
        if record.purge_at - held.purge_at > KEPT_LONGER:
            await self._keys.take(replace(held, rev=held.rev + 1, purge_at=record.purge_at))


_HINDRANCES: Mapping[Standing, Callable[[str], str]] = {
    Standing.BINDS: "job {} has it now: wait for its end, or cancel it".format,
    Standing.UNSENT: "job {}, which was not sent yet, has it: submit that one once more, or wait for its end".format,
}


def too_quick() -> Unavailable:
    """What is raised where a key was in other hands each time."""
    cause = f"The unique key was taken by others {MAX_TRIES} times meanwhile."
    return Unavailable("dynamodb", cause, "Ask again.", concerns="item")
