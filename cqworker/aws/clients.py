"""The clients of AWS: made when first needed, remade when their credentials turn out stale, closed in order."""

from __future__ import annotations

import time
from functools import partial
from types import TracebackType
from typing import Any, Self

from aiobotocore.config import AioConfig

from cqworker.aws.calls import DEADLINE, Answer, Read, Request, perform
from cqworker.aws.generation import Generation
from cqworker.aws.lean.path import HOT, LeanPath
from cqworker.aws.lean.standing import Standing
from cqworker.aws.limits import CONNECT, POLL_READ, POOL, READ, TRIES
from cqworker.aws.operations import ClientName, Operation
from cqworker.aws.sdk_data import OurData
from cqworker.aws.translation import AwsFault
from cqworker.events import Emit

RENEWAL_PAUSE = 5.0
"""Seconds between two renewals: credentials that stay wrong must not cost a session a call."""


class AwsClients:
    """Speaks to SQS, DynamoDB and S3 for everybody; `pollers` is how many receives may wait at once.

    `lean`: the hot operations go past the SDK. `bucket_owner`: the account that must own every bucket, if one must.
    """

    def __init__(self, emit: Emit, *, pollers: int = 10, lean: bool = True, bucket_owner: str | None = None) -> None:
        self._emit = emit
        self._bucket_owner = bucket_owner
        self._configs: dict[ClientName, AioConfig] = {
            "sqs": _config(hot=True),
            "sqs_poll": _config(hot=True, read_timeout=POLL_READ, max_pool_connections=pollers + 2),
            "dynamodb": _config(hot=True),
            "s3": _config(hot=False),
        }
        self._lean = LeanPath(pollers) if lean else None
        self._loader = OurData()
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
        """Closes every client and connection; calls must have ended before."""
        if self._lean is not None:
            await self._lean.close()
        for generation in (*self._retired, self._current):
            await generation.close()

    async def call(
        self, operation: Operation, request: Request, about: str, *, seconds: float = DEADLINE, read: Read | None = None
    ) -> Answer:
        """One call as cqworker.aws.calls.Calls describes it."""
        generation = self._current
        generation.enter()
        try:
            work = self._work(generation, operation, request, read)
            return await perform(operation, about, seconds, self._emit, work)
        except AwsFault as fault:
            if fault.stale:
                self._renew(generation, Generation(self._configs, self._loader))
            raise
        finally:
            await generation.leave()

    async def _work(self, generation: Generation, operation: Operation, request: Request, read: Read | None) -> Answer:
        if self._lean is not None and operation.name in HOT:
            renewed = partial(self._renewed, generation)
            answer = await self._lean.carry(generation.standing, operation, request, renewed)
        else:
            client = await generation.client(operation.client)
            answer = await getattr(client, operation.method)(**self._owned(operation, request))
        return await read(answer) if read else answer

    def _owned(self, operation: Operation, request: Request) -> Request:
        """No call forgets to say whose the bucket must be (S3 user guide, "Verifying bucket ownership")."""
        if self._bucket_owner is None or operation.service != "s3" or operation.name == "CreateBucket":
            return request
        return {**request, "ExpectedBucketOwner": self._bucket_owner}

    async def _renewed(self, stale: Generation) -> Standing | None:
        """What other credentials than the refused ones a new session finds, for another try of the same call."""
        if stale is self._current:
            fresh = Generation(self._configs, self._loader)
            if self._has_renewed_lately() or await fresh.standing.keys() == await stale.standing.keys():
                return None
            self._renew(stale, fresh)
        return self._current.standing

    def _renew(self, stale: Generation, fresh: Generation) -> None:
        """The SDK never asks for fresh credentials because a service refused the old ones; a new session does."""
        if stale is self._current and not self._has_renewed_lately():
            self._renewed_at = time.monotonic()
            self._current = fresh
            self._retired = [*(generation for generation in self._retired if generation.busy), stale]
            stale.retire()

    def _has_renewed_lately(self) -> bool:
        return time.monotonic() - self._renewed_at < RENEWAL_PAUSE


def _config(*, hot: bool, **changed: Any) -> AioConfig:
    """Retries and timeouts are set because the SDK's own differ by version.

    A hot client validates nothing and says who it is in a fixed string: that is a quarter of a call's CPU time.
    """
    lean = {"parameter_validation": False, "user_agent": "cqworker"} if hot else {"user_agent_extra": "cqworker"}
    settings = {
        "connect_timeout": CONNECT,
        "read_timeout": READ,
        "max_pool_connections": POOL,
        "retries": {"mode": "standard", "total_max_attempts": TRIES},
    }
    return AioConfig(**{**settings, **lean, **changed})
