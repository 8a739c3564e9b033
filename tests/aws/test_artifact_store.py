"""Objects that lie about their length, break off, or may not be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cqworker.aws.aws_call import Declined
from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor.bucket_checks import check_bucket
from cqworker.aws.provision.create_bucket import ensure_bucket
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.errors import ArtifactMissing, ArtifactTooLarge, Unavailable
from cqworker.ports import StoredObject
from cqworker.settings import ArtifactSettings
from tests.aws.stub import Answering, Seen, serving

SpeakTo = Callable[..., None]


@pytest.fixture
def artifacts(clients: AwsClients) -> S3Artifacts:
    return S3Artifacts(clients, "things", "below/")


def refusing(status: int, code: str) -> Answering:
    async def answer(_: Seen) -> web.StreamResponse:
        body = f"<Error><Code>{code}</Code><Message>because</Message></Error>"
        return web.Response(status=status, text=body, content_type="application/xml")

    return answer


@asynccontextmanager
async def sending(head: bytes, body: bytes) -> AsyncIterator[str]:
    """A server that sends exactly these bytes and closes, whatever was asked."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Type: image/png\r\n' + head + b"\r\n\r\n" + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"http://{host}:{port}"


async def test_an_object_that_breaks_off_is_not_taken_for_whole(artifacts: S3Artifacts, speak_to: SpeakTo) -> None:
    async with sending(b"Content-Length: 100", b"x" * 40) as url:
        speak_to(url)
        with pytest.raises(Unavailable, match="broke during GetObject"):
            await artifacts.get("s3://things/cut.png", 1000)


async def test_an_object_that_is_longer_than_it_said_is_not_read_to_its_end(
    artifacts: S3Artifacts, speak_to: SpeakTo
) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    async with sending(b"Transfer-Encoding: chunked", chunk * 50 + b"0\r\n\r\n") as url:
        speak_to(url)
        with pytest.raises(ArtifactTooLarge, match="larger than 1000 bytes"):
            await artifacts.get("s3://things/liar.png", 1000)


async def test_an_object_of_unsaid_length_is_read_when_it_is_small(artifacts: S3Artifacts, speak_to: SpeakTo) -> None:
    async with sending(b"Transfer-Encoding: chunked", b"5\r\nsmall\r\n0\r\n\r\n") as url:
        speak_to(url)
        assert await artifacts.get("s3://things/small.png", 1000) == StoredObject(b"small", "image/png")


async def test_nothing_is_put_with_an_acl(artifacts: S3Artifacts, clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(refusing(404, "NoSuchBucket")) as stub:
        speak_to(stub.url)
        for putting in (
            artifacts.put("key", b"data", "image/png"),
            anext(check_bucket(clients, ArtifactSettings())),
            ensure_bucket(clients, "things", dry_run=False),
        ):
            with pytest.raises((Unavailable, Declined)):
                await putting
    puts = [seen for seen in stub.seen if seen.method == "PUT"]
    assert {seen.path.partition("?")[0] for seen in puts} >= {"/things/below/key", "/things"}
    for seen in puts:
        assert not [name for name in seen.headers if name.lower().startswith(("x-amz-acl", "x-amz-grant-"))]
        assert "acl" not in seen.path.partition("?")[2]


@pytest.mark.parametrize("code", ["NoSuchKey", ""])
async def test_a_missing_object_is_missing_in_every_spelling(
    artifacts: S3Artifacts, speak_to: SpeakTo, code: str
) -> None:
    async with serving(refusing(404, code)) as stub:
        speak_to(stub.url)
        with pytest.raises(ArtifactMissing):
            await artifacts.get("s3://things/none.png", 1000)


@pytest.mark.parametrize("reference", ["", "s3://", "s3://things", "s3://things/", "https://things/key", "things/key"])
async def test_what_is_no_reference_refers_to_nothing(artifacts: S3Artifacts, reference: str) -> None:
    with pytest.raises(ArtifactMissing, match="no reference"):
        await artifacts.get(reference, 1000)


@pytest.mark.parametrize(
    ("status", "code", "cause"), [(404, "NoSuchBucket", 'no bucket "things"'), (403, "AccessDenied", "s3:GetObject")]
)
async def test_the_check_tells_a_missing_bucket_and_a_missing_permission(
    artifacts: S3Artifacts, speak_to: SpeakTo, status: int, code: str, cause: str
) -> None:
    async with serving(refusing(status, code)) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match=cause):
            await artifacts.check()
    assert stub.seen[0].path.startswith("/things/below/")


@pytest.mark.parametrize(
    ("status", "code", "cause"), [(404, "NoSuchBucket", 'no bucket "things"'), (403, "AccessDenied", "s3:PutObject")]
)
async def test_the_check_of_writing_tells_a_missing_bucket_and_a_missing_permission(
    artifacts: S3Artifacts, speak_to: SpeakTo, status: int, code: str, cause: str
) -> None:
    async with serving(refusing(status, code)) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match=cause):
            await artifacts.check_writing()
    assert (stub.seen[0].method, stub.seen[0].headers["If-Match"]) == ("PUT", '"never"')
