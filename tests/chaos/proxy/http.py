"""Requests of the AWS SDK and their answers on the wire: HTTP/1.1 with Content-Length, one after another."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

LENGTH = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")
TARGET = re.compile(rb"(?i)\r\nx-amz-target:\s*(\w+)\.(\w+)")
ATTEMPT = re.compile(rb"(?i)\r\namz-sdk-request:\s*attempt=(\d+)")
EXPECT = re.compile(rb"(?i)\r\nexpect:[^\r]*")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OBJECTS = {b"PUT": "PutObject", b"GET": "GetObject", b"HEAD": "HeadBucket"}
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """One call of the SDK as it came: `head` with its empty line, and the body."""

    head: bytes
    body: bytes

    @cached_property
    def operation(self) -> str:
        """SQS and DynamoDB name it in a header; S3 by the method."""
        found = TARGET.search(self.head)
        method = self.head.split(b" ", 1)[0]
        return found[2].decode() if found else OBJECTS.get(method, method.decode())

    @property
    def attempt(self) -> int:
        """Which try of the SDK's this is; 1 where the SDK does not say."""
        found = ATTEMPT.search(self.head)
        return int(found[1]) if found else 1

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON body of an SQS or DynamoDB call."""
        read: dict[str, Any] = json.loads(self.body)
        return read

    def saying(self, fields: dict[str, Any], operation: str | None = None) -> Request:
        """The same request with another body, and as another operation of the same service if one is named."""
        body = json.dumps(fields).encode()
        head = LENGTH.sub(b"\r\nContent-Length: %d" % len(body), self.head)
        if operation is not None:
            head = TARGET.sub(lambda found: b"\r\nX-Amz-Target: %s.%s" % (found[1], operation.encode()), head)
        return Request(head, body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back for a request."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    @property
    def closes(self) -> bool:
        """The service said that it takes no further request on this connection."""
        return b"connection: close" in self.head.lower()

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON body of an answer of SQS or DynamoDB; an engine in trouble answers with a page, which has none."""
        read: dict[str, Any] = json.loads(self.body) if self.body.startswith(b"{") else {}
        return read


def answer_saying(fields: dict[str, Any], status: int = 200, code: str = "") -> Answer:
    """An answer of the JSON protocols; `code` names the error as SQS and DynamoDB do."""
    body = json.dumps({"__type": code, **fields} if code else fields).encode()
    words = f"HTTP/1.1 {status} Said\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    return Answer(words.encode(), body)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request, or None when the client has gone; a body that waits for leave is given it."""
    try:
        head = await reader.readuntil(END)
        if EXPECT.search(head):
            head = EXPECT.sub(b"", head)
            writer.write(CONTINUE)
        return Request(head, await _body(reader, head))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def read_answer(reader: asyncio.StreamReader, request: Request) -> Answer:
    """The answer to `request`; raises asyncio.IncompleteReadError when the connection ends first."""
    head = await reader.readuntil(END)
    return Answer(head, b"" if request.head.startswith(b"HEAD ") else await _body(reader, head))


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    found = LENGTH.search(head)
    return await reader.readexactly(int(found[1])) if found else b""
