"""Reads request bodies, within bounds of size, silence and rate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import HttpVersion11, hdrs, web

from cqworker.web.app_context import context_of
from cqworker.web.buffer_quota import BufferQuota
from cqworker.web.client_connection import connection_of
from cqworker.web.connection_limit import Wait
from cqworker.web.content_encoding import PIECE, decoder_of
from cqworker.web.problems import Problem, ProblemKind

BODY_SILENCE = 20.0
"""Seconds that a client may be silent within a body."""
CONTINUE = "100-continue"
MAX_BODIES_IN_MEMORY = 67_108_864
"""Bytes of all JSON bodies together that have come in part (64 MiB)."""
BODY_QUOTA = web.AppKey("bodies in memory", BufferQuota)
JSON_TYPES = frozenset({"application/json", "application/x-www-form-urlencoded", "application/octet-stream"})
"""Types that a JSON body may be declared as: the second is curl's default, the third aiohttp's for no declaration."""


async def read_body(request: web.Request, limit: int) -> bytes:
    """The whole body; raises Problem as `receive` does."""
    body, quota = bytearray(), request.app[BODY_QUOTA]
    claim = quota.claim(connection_of(request).owner, partial(release, request), lambda: len(body))

    async def keep(piece: bytes) -> None:
        quota.grow(claim, len(piece))
        body.extend(piece)

    try:
        await receive(request, limit, keep)
    finally:
        quota.drop(claim)
    return bytes(body)


async def receive(request: web.Request, limit: int, keep: Callable[[bytes], Awaitable[None]]) -> int:
    """Passes the decoded body to `keep` in pieces, and returns its size in bytes.

    Raises Problem 413 above `limit` bytes, 408 for a trickle, 400 for a broken one, 415 for an unknown encoding, and
    503 when its place is needed and its bytes come slower than those of others.
    """
    decoder = decoder_of(request.headers)
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    await _send_continue(request)
    came, size, rate = 0, 0, context_of(request).settings.http.least_rate
    started = asyncio.get_running_loop().time()
    with connection_of(request).waiting(Wait.BODY, partial(release, request)):
        while chunk := await _read_chunk(request, started + BODY_SILENCE + came / rate, rate):
            came += len(chunk)
            for piece in decoder.pieces(chunk):
                size += len(piece)
                if size > limit:
                    raise _too_large(limit)
                await keep(piece)
                if len(piece) == PIECE:
                    await asyncio.sleep(0)
        decoder.end()
    return size


async def json_body(request: web.Request, limit: int) -> bytes:
    """The whole body, unpacked and not parsed yet: JSON by its Content-Type, of `limit` bytes at most.

    Raises Problem 415 for another type or an unknown encoding, 413 above the limit, 408 for one that comes too slowly,
    400 for a broken one, and 503 where memory for bodies has run out.
    """
    body = await read_body(request, limit)
    media_type = request.content_type
    if body and media_type not in JSON_TYPES and not media_type.endswith("+json"):
        raise Problem(ProblemKind.MEDIA_TYPE, "Send the body as JSON, with Content-Type: application/json.")
    return body


def release(request: web.BaseRequest) -> None:
    """Ends the wait for a body whose room is needed."""
    detail = "Room ran out, and the bytes of this body came slower than those of others. Try again in a few seconds."
    request.content.set_exception(Problem(ProblemKind.CROWDED, detail))


async def answer_expect(request: web.Request) -> None:
    """aiohttp's hook for an Expect header: 100 Continue is sent when the body is read, not here (RFC 9110, 10.1.1)."""
    if request.headers[hdrs.EXPECT].lower() != CONTINUE and request.version >= HttpVersion11:
        raise web.HTTPExpectationFailed


async def _send_continue(request: web.Request) -> None:
    if CONTINUE in request.headers.get(hdrs.EXPECT, "").lower() and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun


async def _read_chunk(request: web.Request, latest: float, rate: float) -> bytes:
    try:
        async with asyncio.timeout_at(min(latest, asyncio.get_running_loop().time() + BODY_SILENCE)):
            return await request.content.readany()
    except TimeoutError:
        slow = f"paused for {BODY_SILENCE:.0f} seconds, or came at less than {rate} bytes a second"
        raise Problem(ProblemKind.TOO_SLOW, f"The body {slow}. Send it again.") from None
    except (web.RequestPayloadError, ConnectionError, RuntimeError):  # the last: aiohttp's word for a lost connection
        raise Problem(ProblemKind.MALFORMED, "The body ends early, or its framing is broken.") from None


def _too_large(limit: int) -> Problem:
    return Problem(ProblemKind.TOO_LARGE, f"The body is larger than {limit} bytes, which is all that is taken here.")
