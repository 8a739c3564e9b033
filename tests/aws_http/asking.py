"""Calls as the tests of the JSON client make them."""

from __future__ import annotations

import pytest

from cqworker.aws.aws_call import Request
from cqworker.aws.clients import AwsClients
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import UPDATE_ITEM, Operation


async def said(clients: AwsClients, operation: Operation, request: Request) -> dict[str, object]:
    """The answer but for what the SDK adds to it about the connection."""
    answer = dict(await clients.call(operation, request, "something"))
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return answer


async def failing(clients: AwsClients) -> AwsFault:
    """The fault of a write that does not succeed."""
    with pytest.raises(AwsFault) as caught:
        await clients.call(UPDATE_ITEM, {}, "something")
    return caught.value
