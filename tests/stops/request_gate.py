"""Answers of SQS that are kept back in a daemon until its drain looks for them, and then come a few turns apart.

A drain waits for the requests of one queue after the other. The moment that matters is the turn of the loop in which it
comes to a queue just as the last answer for that queue has arrived. Answers in the order of the queues, a few turns
after one another, meet it however busy the machine is.
"""

from __future__ import annotations

import asyncio
import random

QUIET = 0.08
"""Seconds without a further answer after which the drain has sent all it has: a delete waits 0.05 s for company."""
LONGEST = 1.5
"""Seconds an answer is kept back at most: while a daemon works there is always a receive under way."""
APART = 9
"""Turns of the loop between two answers at most."""


class Turnstile:
    """Keeps answers while a receive is under way, then lets them through one by one."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self._receiving = 0
        self._kept: list[tuple[str, asyncio.Future[int]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def receive_begins(self) -> None:
        self._receiving += 1

    def receive_ended(self) -> None:
        self._receiving -= 1
        if self._kept:
            self._wind()

    async def keep(self, queue: str) -> None:
        """Returns when it is this answer's turn."""
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[int] = loop.create_future()
        self._kept.append((queue, kept))
        self._wind()
        last = loop.call_later(LONGEST, self._open)
        turns = await kept
        last.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._receiving:
            self._timer = asyncio.get_running_loop().call_later(QUIET, self._open)

    def _open(self) -> None:
        kept, self._kept = sorted(self._kept, key=lambda each: each[0]), []
        turns = 0
        for _, answer in kept:
            turns += self._random.randint(0, APART)
            if not answer.done():
                answer.set_result(turns)
