"""One hot call from request to answer: signed, posted, tried again, its clock and credentials mended once."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from cqworker.aws.aws_call import Answer, Request, watch_try
from cqworker.aws.error_table import EXPIRED
from cqworker.aws.error_translation import row_of
from cqworker.aws.http.json_protocol import answer_in, target_of
from cqworker.aws.http.retry_policy import Budget, Tries, seconds_ahead
from cqworker.aws.http.session_settings import Standing
from cqworker.aws.http.sigv4 import signed
from cqworker.aws.http.transport import Transport
from cqworker.aws.operations import Operation

HOT = frozenset(
    "ReceiveMessage SendMessage SendMessageBatch DeleteMessage DeleteMessageBatch GetQueueUrl GetQueueAttributes "
    "ChangeMessageVisibility ChangeMessageVisibilityBatch GetItem PutItem UpdateItem BatchExecuteStatement".split()
)
"""What a running daemon calls again and again, by name."""

Renew = Callable[[], Awaitable[bool]]
"""Whether there are other keys by now than those that the call began with."""


class LeanPath:
    """Carries the hot operations, with the keys and to the addresses of `standing`."""

    def __init__(self, standing: Standing, pollers: int) -> None:
        self._standing = standing
        self._transport = Transport(pollers)
        self._budgets: dict[str, Budget] = defaultdict(Budget)
        self._ahead = 0.0

    async def carry(self, operation: Operation, request: Request, renew: Renew) -> Answer:
        """The answer; raises what the SDK would raise. Every failed try is watched as the SDK's are."""
        body = orjson.dumps(request)
        ahead = self._ahead
        try:
            answer = await self._try(operation, body, ahead)
        except (BotoCoreError, ClientError) as error:
            return await self._insist(operation, body, renew, error, ahead)
        self._budgets[operation.client].earn(1)
        return answer

    async def _insist(self, operation: Operation, body: bytes, renew: Renew, error: Exception, ahead: float) -> Answer:
        """What follows a first try that ended with `error`; its signature's time was `ahead` of our clock."""
        tries = Tries(self._budgets[operation.client], self._standing.tries)
        mended: set[str] = set()
        try:
            while True:
                watch_try(caught_exception=error)
                if "clock" not in mended and self._set_clock(error, ahead):
                    mended.add("clock")
                elif "keys" not in mended and row_of(error) is EXPIRED and await renew():
                    mended.add("keys")
                elif (pause := tries.pause(error)) is not None:
                    await asyncio.sleep(pause)
                else:
                    raise error
                ahead = self._ahead
                try:
                    answer = await self._try(operation, body, ahead)
                except (BotoCoreError, ClientError) as next_error:
                    error = next_error
                else:
                    tries.succeed()
                    return answer
        finally:
            del error  # its traceback holds this frame

    async def close(self) -> None:
        """Closes the connections; calls must have ended before."""
        await self._transport.close()

    async def _try(self, operation: Operation, body: bytes, ahead: float) -> Answer:
        address, keys = await self._standing.address(operation.service), await self._standing.keys()
        headers = signed(address, target_of(operation), body, keys, time.time() + ahead)
        reply = await self._transport.post(address, headers, body, poll=operation.client == "sqs_poll")
        return answer_in(reply, operation)

    def _set_clock(self, error: Exception, ahead: float) -> bool:
        """Signs by the service's clock from now on, where that of the refused try was the reason.

        The try's own, as it was signed: of several refused together, the first to be answered corrects it for all.
        """
        more = seconds_ahead(error, time.time() + ahead)
        if more is None:
            return False
        self._ahead = ahead + more
        return True
