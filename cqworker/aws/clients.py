"""All calls to AWS, by way of the JSON client or the SDK: made when first needed, with shared credentials."""

from __future__ import annotations

import time
from functools import partial
from types import TracebackType
from typing import Self

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Read, Request, call_event, perform
from cqworker.aws.credentials.credentials_cache import CredentialsCache
from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.error_translation import AwsFault, translate
from cqworker.aws.http.json_client import HOT_OPERATIONS, JsonClient
from cqworker.aws.http.session_settings import SessionSettings
from cqworker.aws.operations import Operation
from cqworker.aws.sdk.sdk_clients import SdkClients
from cqworker.aws.sdk.sdk_session import SessionFactory
from cqworker.events import Emit

RENEWAL_SECONDS = 3.0
"""Seconds that a call whose keys were refused waits for others: it has failed anyway, and holds up no other."""
CREDENTIALS_SHARE = 2 / 3
"""The share of a call's time that may pass before there are keys to sign it with."""


class AwsClients:
    """Calls SQS, DynamoDB and S3; `pollers` is how many receives may wait at a time.

    `lean`: the hot operations go past the SDK. `bucket_owner`: the account that must own every bucket, if one must.
    """

    def __init__(self, emit: Emit, *, pollers: int = 10, lean: bool = True, bucket_owner: str | None = None) -> None:
        self._emit = emit
        self._bucket_owner = bucket_owner
        sessions = SessionFactory()
        self._credentials = CredentialsCache(sessions.new_session)
        session = sessions.new_session_with(self._credentials)
        self._sdk = SdkClients(session, pollers)
        self._json_client = JsonClient(SessionSettings(session, self._credentials), pollers) if lean else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every client and connection; calls must have ended before."""
        if self._json_client is not None:
            await self._json_client.close()
        await self._sdk.close()
        await self._credentials.close()

    async def prepare(self, operation: Operation, about: str, seconds: float) -> None:
        """As cqworker.aws.aws_call.PreparedCalls describes it."""
        started = time.monotonic()
        try:
            await self._credentials.wait_for(seconds * CREDENTIALS_SHARE)
        except CredentialsError as error:
            self._emit(call_event(operation, error.code, time.monotonic() - started))
            raise translate(error, operation, about, ambiguous=False) from None

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        """One call as cqworker.aws.aws_call.Calls describes it."""
        if not self._credentials.has_fresh:
            await self.prepare(operation, about, seconds)
        keys = self._credentials.keys
        try:
            return await perform(operation, about, seconds, self._emit, self._send(operation, request, read))
        except AwsFault as fault:
            if fault.stale:
                await self._credentials.replace_refused(keys, RENEWAL_SECONDS)
            raise

    async def _send(self, operation: Operation, request: Request, read: Read | None) -> Answer:
        if self._json_client is not None and operation.name in HOT_OPERATIONS:
            renew = partial(self._credentials.replace_refused, self._credentials.keys, RENEWAL_SECONDS)
            answer = await self._json_client.call(operation, request, renew)
        else:
            client = await self._sdk.client(operation.client)
            answer = await getattr(client, operation.method)(**self._with_bucket_owner(operation, request))
        return await read(answer) if read else answer

    def _with_bucket_owner(self, operation: Operation, request: Request) -> Request:
        """The request with the account that must own the bucket (S3 user guide, "Verifying bucket ownership")."""
        if self._bucket_owner is None or operation.service != "s3" or operation.name == "CreateBucket":
            return request
        return {**request, "ExpectedBucketOwner": self._bucket_owner}
