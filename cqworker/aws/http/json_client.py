"""One hot call from request to answer: signed, posted, retried, its clock and credentials corrected once."""

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
from cqworker.aws.http.json_protocol import answer_from, target_of
from cqworker.aws.http.pooled_transport import PooledTransport
from cqworker.aws.http.retry_policy import CallTries, RetryBudget, clock_skew_from
from cqworker.aws.http.session_settings import SessionSettings
from cqworker.aws.http.sigv4 import sign
from cqworker.aws.operations import Operation

HOT_OPERATIONS = frozenset(
    "ReceiveMessage SendMessage SendMessageBatch DeleteMessage DeleteMessageBatch GetQueueUrl GetQueueAttributes "
    "ChangeMessageVisibility ChangeMessageVisibilityBatch GetItem PutItem UpdateItem BatchExecuteStatement "
    "Query BatchGetItem DeleteItem TransactWriteItems".split()
)
"""What a running daemon calls again and again, by name."""

RenewCredentials = Callable[[], Awaitable[bool]]
"""Asks for other credentials than those that the call began with, and says whether there are any."""


class JsonClient:
    """Makes the hot calls as `settings` say; up to `pollers` receives may wait at a time."""

    def __init__(self, settings: SessionSettings, pollers: int) -> None:
        self._settings = settings
        self._transport = PooledTransport(pollers)
        self._budgets: dict[str, RetryBudget] = defaultdict(RetryBudget)
        self._clock_skew = 0.0

    async def call(self, operation: Operation, request: Request, renew: RenewCredentials) -> Answer:
        """The answer; raises what the SDK would raise. Every failed try goes through watch_try(), as the SDK's do."""
        body = orjson.dumps(request)
        skew = self._clock_skew
        try:
            answer = await self._try(operation, body, skew)
        except (BotoCoreError, ClientError) as error:
            return await self._retry(operation, body, renew, error, skew)
        self._budgets[operation.client].earn(1)
        return answer

    async def _retry(
        self, operation: Operation, body: bytes, renew: RenewCredentials, error: Exception, skew: float
    ) -> Answer:
        """Retries after a first try that ended with `error` and was signed `skew` seconds ahead of our clock."""
        tries = CallTries(self._budgets[operation.client], self._settings.max_tries)
        corrected: set[str] = set()
        try:
            while True:
                watch_try(caught_exception=error)
                if "clock" not in corrected and self._correct_clock(error, skew):
                    corrected.add("clock")
                elif "keys" not in corrected and row_of(error) is EXPIRED and await renew():
                    corrected.add("keys")
                elif (pause := tries.pause(error)) is not None:
                    await asyncio.sleep(pause)
                else:
                    raise error
                skew = self._clock_skew
                try:
                    answer = await self._try(operation, body, skew)
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

    async def _try(self, operation: Operation, body: bytes, skew: float) -> Answer:
        endpoint, credentials = await self._settings.endpoint(operation.service), await self._settings.credentials()
        headers = sign(endpoint, target_of(operation), body, credentials, time.time() + skew)
        response = await self._transport.post(endpoint, headers, body, poll=operation.client == "sqs_poll")
        return answer_from(response, operation)

    def _correct_clock(self, error: Exception, skew: float) -> bool:
        """Signs by the service's clock from now on, where that of the refused try was the reason.

        The try's own, as it was signed: of several refused together, the first to be answered corrects it for all.
        """
        more = clock_skew_from(error, time.time() + skew)
        if more is None:
            return False
        self._clock_skew = skew + more
        return True
