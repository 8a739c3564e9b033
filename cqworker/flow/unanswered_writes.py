"""Asks for an unanswered write again until its answer comes: whose a record is the fence decides, and no clock."""

from __future__ import annotations

import asyncio

from cqworker.errors import RecordUnreadable, Unavailable
from cqworker.flow.context import Context
from cqworker.health.service_health import STORE
from cqworker.model.attempt_writes import HandBack, Settle
from cqworker.model.backoff import retry_pauses
from cqworker.model.writes import Refused, Written

GIVE_UP_AFTER = 120.0
"""Seconds after which a write is given up that fails while the store answers others."""
TRIES = 20
"""Tries that it has in any case: a machine that was suspended has used up the seconds at once."""
LONGEST_PAUSE = 5.0
"""Seconds between two tries at most."""


class UnansweredWrites:
    """Repeats the fenced writes of attempts; while the store is away for everybody it only waits for its return."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._health = context.health
        self._clock = context.clock
        self._never = asyncio.Event()

    async def repeat_until_answered(self, change: Settle | HandBack) -> Written | Refused | None:
        """The answer, however long the store is away; None where it answers others for two minutes, but not this write.

        Raises RecordUnreadable, which is an answer: what was written is not read.
        """
        until = self._clock.monotonic() + GIVE_UP_AFTER
        for number, pause in enumerate(retry_pauses(first=0.1, cap=LONGEST_PAUSE), 1):
            await asyncio.sleep(pause)
            await self._health.wait_until_back(STORE, self._never)
            try:
                return await self._store.write(change)
            except RecordUnreadable:
                raise
            except Unavailable:
                if number >= TRIES and self._clock.monotonic() >= until:
                    return None
        raise AssertionError("pauses have no end")
