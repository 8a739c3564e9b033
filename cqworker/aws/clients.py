"""The clients of AWS: made when first needed, remade when their credentials turn out stale, closed in order."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from aiobotocore.config import AioConfig
from botocore.loaders import Loader

from cqworker.aws.calls import DEADLINE, Answer, Read, Request, perform
from cqworker.aws.generation import Generation
from cqworker.aws.operations import ClientName, Operation
from cqworker.aws.translation import AwsFault
from cqworker.events import Emit

CONNECT = 3
READ = 10
POLL_READ = 30
"""Seconds: a receive waits up to 20 for its answer (ReceiveMessage, WaitTimeSeconds)."""
POOL = 64
"""Connections of a client; only receives could take them all, and those have a pool of their own."""
RENEWAL_PAUSE = 5.0
"""Seconds between two renewals: credentials that stay wrong must not cost a session a call."""


class AwsClients:
    """Speaks to SQS, DynamoDB and S3 for everybody; `pollers` is how many receives may wait at once."""

    def __init__(self, emit: Emit, *, pollers: int = 10) -> None:
        self._emit = emit
        self._configs: dict[ClientName, AioConfig] = {
            "sqs": _config(hot=True),
            "sqs_poll": _config(hot=True, read_timeout=POLL_READ, max_pool_connections=pollers + 2),
            "dynamodb": _config(hot=True),
            "s3": _config(hot=False),
        }
        self._loader = Loader()
        self._current = Generation(self._configs, self._loader)
        self._retired: list[Generation] = []
        self._renewed_at = -RENEWAL_PAUSE

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every client; calls must have ended before."""
        for generation in (*self._retired, self._current):
            await generation.close()

    async def call(
        self, operation: Operation, request: Request, about: str, *, seconds: float = DEADLINE, read: Read | None = None
    ) -> Answer:
        """One call as cqworker.aws.calls.Calls describes it."""
        generation = self._current
        generation.enter()
        try:
            work = _work(generation, operation, request, read)
            return await perform(operation, about, seconds, self._emit, work)
        except AwsFault as fault:
            if fault.stale:
                self._renew(generation)
            raise
        finally:
            await generation.leave()

    def _renew(self, stale: Generation) -> None:
        """The SDK never asks for fresh credentials because a service refused the old ones; a new session does."""
        now = time.monotonic()
        if stale is self._current and now - self._renewed_at >= RENEWAL_PAUSE:
            self._renewed_at = now
            self._current = Generation(self._configs, self._loader)
            self._retired = [*(generation for generation in self._retired if generation.busy), stale]
            stale.retire()


async def _work(generation: Generation, operation: Operation, request: Request, read: Read | None) -> Answer:
    client = await generation.client(operation.client)
    answer: Answer = await getattr(client, operation.method)(**request)
    return await read(answer) if read else answer


def _config(*, hot: bool, **changed: Any) -> AioConfig:
    """Retries and timeouts are set because the SDK's own differ by version.

    A hot client validates nothing and says who it is in a fixed string: that is a quarter of a call's CPU time.
    """
    lean = {"parameter_validation": False, "user_agent": "cqworker"} if hot else {"user_agent_extra": "cqworker"}
    settings = {
        "connect_timeout": CONNECT,
        "read_timeout": READ,
        "max_pool_connections": POOL,
        "retries": {"mode": "standard", "total_max_attempts": 3},
    }
    return AioConfig(**{**settings, **lean, **changed})
