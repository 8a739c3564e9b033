"""The clients of AWS: made when first needed, signed with keys that are shared, closed in order."""

from __future__ import annotations

import time
from functools import partial
from types import TracebackType
from typing import Self

from cqworker.aws.aws_call import DEADLINE, Answer, Read, Request, perform, told
from cqworker.aws.credentials.credentials_cache import Keyring
from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.error_translation import AwsFault, translate
from cqworker.aws.http.json_client import HOT, LeanPath
from cqworker.aws.http.session_settings import Standing
from cqworker.aws.operations import Operation
from cqworker.aws.sdk.sdk_clients import SdkClients
from cqworker.aws.sdk.sdk_session import Sessions
from cqworker.events import Emit

RENEWAL = 3.0
"""Seconds that a call whose keys were refused waits for others: it has failed anyway, and nobody waits with it."""
FOR_KEYS = 2 / 3
"""The share of a call's time that may pass before there are keys to sign it with."""


class AwsClients:
    """Speaks to SQS, DynamoDB and S3 for everybody; `pollers` is how many receives may wait at once.

    `lean`: the hot operations go past the SDK. `bucket_owner`: the account that must own every bucket, if one must.
    """

    def __init__(self, emit: Emit, *, pollers: int = 10, lean: bool = True, bucket_owner: str | None = None) -> None:
        self._emit = emit
        self._bucket_owner = bucket_owner
        sessions = Sessions()
        self._keyring = Keyring(sessions.plain)
        session = sessions.with_keys(self._keyring)
        self._sdk = SdkClients(session, pollers)
        self._lean = LeanPath(Standing(session, self._keyring), pollers) if lean else None

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
        await self._sdk.close()
        await self._keyring.close()

    async def prepare(self, operation: Operation, about: str, seconds: float) -> None:
        """As cqworker.aws.aws_call.PreparedCalls describes it."""
        started = time.monotonic()
        try:
            await self._keyring.within(seconds * FOR_KEYS)
        except CredentialsError as error:
            self._emit(told(operation, error.code, time.monotonic() - started))
            raise translate(error, operation, about, ambiguous=False) from None

    async def call(
        self, operation: Operation, request: Request, about: str, *, seconds: float = DEADLINE, read: Read | None = None
    ) -> Answer:
        """One call as cqworker.aws.aws_call.Calls describes it."""
        if not self._keyring.at_hand:
            await self.prepare(operation, about, seconds)
        keys = self._keyring.keys
        try:
            return await perform(operation, about, seconds, self._emit, self._work(operation, request, read))
        except AwsFault as fault:
            if fault.stale:
                await self._keyring.renewed(keys, RENEWAL)
            raise

    async def _work(self, operation: Operation, request: Request, read: Read | None) -> Answer:
        if self._lean is not None and operation.name in HOT:
            renew = partial(self._keyring.renewed, self._keyring.keys, RENEWAL)
            answer = await self._lean.carry(operation, request, renew)
        else:
            client = await self._sdk.client(operation.client)
            answer = await getattr(client, operation.method)(**self._owned(operation, request))
        return await read(answer) if read else answer

    def _owned(self, operation: Operation, request: Request) -> Request:
        """No call forgets to say whose the bucket must be (S3 user guide, "Verifying bucket ownership")."""
        if self._bucket_owner is None or operation.service != "s3" or operation.name == "CreateBucket":
            return request
        return {**request, "ExpectedBucketOwner": self._bucket_owner}
