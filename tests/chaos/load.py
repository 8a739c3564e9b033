"""Hands jobs in and keeps the list of what was accepted: the oracle of what must not be lost."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from cqworker.daemon.standalone import JobServices
from cqworker.errors import SendUnanswered, Unavailable
from cqworker.jobs.submission import Submission

AT_ONCE = 16
TRIES = 50
RETRY_AFTER = 0.2


@dataclass(frozen=True, slots=True)
class Order:
    """A job to hand in, for `run_at` (epoch ms) if given; with a key it is repeated until somebody answered for it."""

    type: str = "chaos.work"
    payload: dict[str, object] = field(default_factory=dict)
    key: str | None = None
    run_at: int | None = None
    priority: str | None = None

    def submission(self) -> Submission:
        return Submission(
            type=self.type,
            payload=json.dumps(self.payload),
            idempotency_key=self.key,
            run_at=self.run_at,
            priority=self.priority,
        )


@dataclass(slots=True)
class Ledger:
    """What became of the orders: `accepted` jobs by id, jobs that `may_run`, and how many were refused."""

    accepted: dict[str, Order] = field(default_factory=dict)
    may_run: dict[str, Order] = field(default_factory=dict)
    refused: int = 0
    replayed: int = 0

    async def submit(self, counter: JobServices, orders: Iterable[Order], *, at_once: int = AT_ONCE) -> None:
        """Hands them all in, some at a time."""
        waiting = iter(orders)

        async def clerk() -> None:
            for order in waiting:
                await self._hand_in(counter, order)

        await asyncio.gather(*(clerk() for _ in range(at_once)))

    async def _hand_in(self, counter: JobServices, order: Order) -> None:
        for attempt in itertools.count(1):
            try:
                accepted = await counter.submitter.submit(order.submission())
            except SendUnanswered as error:
                self.may_run[error.job_id] = order
                if order.key is None:
                    return
            except Unavailable:
                self.refused += 1
            else:
                self.accepted[accepted.record.job_id] = order
                self.may_run.pop(accepted.record.job_id, None)
                self.replayed += accepted.replayed
                return
            if attempt == TRIES:
                raise RuntimeError(f"{order} was never accepted")
            await asyncio.sleep(RETRY_AFTER)
