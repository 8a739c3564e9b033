"""`python -m tests.stops.launcher run …`: cqworker with a turnstile behind the requests that let go of messages."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.cli import main
from cqworker.ports import EntryFault
from tests.stops.handlers import KEPT, note
from tests.stops.request_gate import Turnstile

SEED = "STOPS_SEED"
LettingGo = Callable[[SqsQueue, Sequence[Any]], Awaitable[Sequence[EntryFault]]]


def with_turnstile(turnstile: Turnstile) -> None:
    """Puts it behind every queue's requests."""
    receive = SqsQueue.receive

    async def receive_seen(queue: SqsQueue, limit: int, wait: int, visibility: int) -> Any:
        turnstile.receive_begins()
        try:
            return await receive(queue, limit, wait, visibility)
        finally:
            turnstile.receive_ended()

    def kept_back(let_go: LettingGo) -> LettingGo:
        async def let_go_later(queue: SqsQueue, entries: Sequence[Any]) -> Sequence[EntryFault]:
            answer = await let_go(queue, entries)
            note(KEPT)
            await turnstile.keep(queue.name)
            return answer

        return let_go_later

    kept = {name: kept_back(getattr(SqsQueue, name)) for name in ("delete", "change_visibility")}
    for name, request in {"receive": receive_seen, **kept}.items():
        setattr(SqsQueue, name, request)


if __name__ == "__main__":
    with_turnstile(Turnstile(random.Random(os.environ[SEED])))
    main()
