"""HTTP over a real socket: requests in pieces, several in one piece, callers that go away."""

from __future__ import annotations

import asyncio

import orjson

from bench.run.endpoint import Endpoint
from bench.run.worker import until
from tests.patience import scaled

PATIENCE = 5.0


def request(target: str, body: dict[str, object]) -> bytes:
    data = orjson.dumps(body)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nx-amz-target: {target}\r\nauthorization: AWS4-HMAC-SHA256 Credential=x\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(data) + data


async def opened(endpoint: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = endpoint.url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def answer(reader: asyncio.StreamReader) -> dict[str, object]:
    async with asyncio.timeout(scaled(PATIENCE)):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        told: dict[str, object] = orjson.loads(await reader.readexactly(length))
        return told


async def test_a_request_may_arrive_in_pieces_and_two_in_one(endpoint: Endpoint) -> None:
    endpoint.call("AmazonSQS.CreateQueue", {"QueueName": "pieces"})
    reader, writer = await opened(endpoint)
    text = request("AmazonSQS.GetQueueUrl", {"QueueName": "pieces"})
    for piece in (text[:10], text[10:80], text[80:] + text + text[:30], text[30:]):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    assert [await answer(reader) for _ in range(3)] == [{"QueueUrl": f"{endpoint.url}/000000000000/pieces"}] * 3
    writer.close()


async def test_a_receive_whose_caller_is_gone_takes_no_message(endpoint: Endpoint) -> None:
    url = endpoint.call("AmazonSQS.CreateQueue", {"QueueName": "gone"})["QueueUrl"]
    _, writer = await opened(endpoint)
    writer.write(request("AmazonSQS.ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20}))
    await writer.drain()
    until(lambda: endpoint.waiting("gone") == 1, lambda: None, PATIENCE)
    writer.close()
    await writer.wait_closed()
    until(lambda: endpoint.waiting("gone") == 0, lambda: None, PATIENCE)
    endpoint.call("AmazonSQS.SendMessage", {"QueueUrl": url, "MessageBody": "a"})
    [message] = endpoint.call("AmazonSQS.ReceiveMessage", {"QueueUrl": url})["Messages"]
    assert message["Body"] == "a"
