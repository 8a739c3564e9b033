"""Answers of SQS that are kept back until the drain looks for them, and then come one by one.

A drain waits for the requests of one queue after the other. The moment that matters is the one in which it turns to a
queue just as the last answer for that queue has arrived; answers in the order of the queues, fractions of a
millisecond apart, meet it far more often than chance would.
"""

from __future__ import annotations

import asyncio
import random
import time

from tests.chaos.proxy.http import Answer, Request
from tests.chaos.proxy.server import Forward

LETTING_GO = frozenset(
    {"DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"}
)
QUIET = 0.08
"""Seconds without a further request after which the drain has sent all it has: a delete waits 0.05 s for company."""
GAP = 0.0004
"""Seconds between two answers at most."""


class Withheld:
    """Lets everything pass until it is armed; from then on it keeps answers back, and the last receive's, too."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self._armed = False
        self._with_receives = False
        self._receiving = 0
        self._kept: list[tuple[tuple[bool, str], asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._release: asyncio.Task[None] | None = None
        self.released = 0

    def arm(self) -> None:
        self._armed = True
        self._with_receives = self._random.random() < 0.5

    async def disarm(self) -> None:
        """Whatever is still kept back goes on its way."""
        self._armed = False
        await self._let_go()

    async def carry(self, request: Request, forward: Forward) -> Answer:
        """As Custom.carry."""
        if request.operation == "ReceiveMessage":
            return await self._receive(request, forward)
        answer = await forward(request)
        if self._armed and request.operation in LETTING_GO:
            await self._keep(request)
        return answer

    async def _receive(self, request: Request, forward: Forward) -> Answer:
        self._receiving += 1
        try:
            answer = await forward(request)
        finally:
            self._receiving -= 1
        if self._armed and self._with_receives:
            await self._keep(request)
        elif self._kept:
            self._wind()
        return answer

    async def _keep(self, request: Request) -> None:
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._kept.append(((request.operation != "ReceiveMessage", request.fields["QueueUrl"]), kept))
        self._wind()
        await kept

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET, self._let_go_once_received)

    def _let_go_once_received(self) -> None:
        if not self._receiving:
            self._release = asyncio.get_running_loop().create_task(self._let_go())

    async def _let_go(self) -> None:
        """The receives first, then the queues in their order, each a random moment after the one before."""
        kept, self._kept = sorted(self._kept, key=lambda each: each[0]), []
        self.released += len(kept)
        for (is_letting_go, _), answer in kept:
            if is_letting_go:
                time.sleep(self._random.uniform(0, GAP))  # noqa: ASYNC251 - a loop's own timers know no such short times
                await asyncio.sleep(0)
            if not answer.done():
                answer.set_result(None)
