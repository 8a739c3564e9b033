"""A bucket that must be of one account is asked for as that account's by every call to S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.operations import GET_OBJECT, PUT_OBJECT, SEND, Operation
from cqworker.aws.provision import create_bucket
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.errors import Unavailable
from cqworker.events import ignore
from cqworker.settings import load_settings
from tests.aws.stub import Seen, serving

OWNER = "012345678901"
HEADER = "x-amz-expected-bucket-owner"
PLACE = {"Bucket": "things"}
CALLS: dict[Operation, dict[str, Any]] = {
    GET_OBJECT: {**PLACE, "Key": "a"},
    PUT_OBJECT: {**PLACE, "Key": "a", "Body": b"b"},
    create_bucket.HEAD_BUCKET: PLACE,
    create_bucket.READ_BLOCK: PLACE,
    create_bucket.WRITE_BLOCK: {**PLACE, "PublicAccessBlockConfiguration": create_bucket.PUBLIC_ACCESS_BLOCK},
    create_bucket.READ_LIFECYCLE: PLACE,
    create_bucket.WRITE_LIFECYCLE: {**PLACE, "LifecycleConfiguration": create_bucket.LIFECYCLE},
}


async def fine(_: Seen) -> web.StreamResponse:
    return web.Response(text="<A/>", content_type="application/xml")


async def denied(_: Seen) -> web.StreamResponse:
    error = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    return web.Response(status=403, text=error, content_type="application/xml")


@pytest.mark.parametrize("owner", [None, OWNER])
@pytest.mark.parametrize("operation", CALLS, ids=lambda operation: operation.name)
async def test_every_call_to_a_bucket_says_whose_it_must_be(
    operation: Operation, owner: str | None, speak_to: Callable[..., None]
) -> None:
    async with serving(fine) as stub, AwsClients(ignore, bucket_owner=owner) as clients:
        speak_to(stub.url)
        await clients.call(operation, CALLS[operation], "things")
    [seen] = stub.seen
    assert {name.lower(): value for name, value in seen.headers.items()}.get(HEADER) == owner


async def test_no_other_call_says_it(speak_to: Callable[..., None]) -> None:
    async with serving(fine) as stub, AwsClients(ignore, bucket_owner=OWNER) as clients:
        speak_to(stub.url)
        await clients.call(create_bucket.CREATE_BUCKET, PLACE, "things")
        with pytest.raises(Unavailable):
            await clients.call(SEND, {"QueueUrl": stub.url, "MessageBody": "a"}, "things")
    assert not any(HEADER in map(str.lower, seen.headers) for seen in stub.seen)


async def test_a_bucket_of_another_account_is_no_place_for_artifacts(speak_to: Callable[..., None]) -> None:
    async with serving(denied) as stub, AwsClients(ignore, bucket_owner=OWNER) as clients:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="s3:GetObject"):
            await S3Artifacts(clients, "things", "").check()


def test_the_variable_is_read_as_it_is_written() -> None:
    settings = load_settings(None, {"CQWORKER_ARTIFACTS__BUCKET_OWNER": OWNER})
    assert settings.artifacts.bucket_owner == OWNER
