"""Reads request bodies: never more than is allowed, never slower than is bearable."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cqworker.web.problems import Kind, Problem

PATIENCE = 20.0
"""Seconds that a client may be silent within a body."""
SLOWEST = 8192
"""Bytes a second that a body must bring on average once the patience is used up."""
JSON_TYPES = frozenset({"application/json", "application/x-www-form-urlencoded", "application/octet-stream"})
"""What a JSON body may be declared as: the second is what curl says by itself, the third stands for nothing said."""


async def read_body(request: web.Request, limit: int) -> bytes:
    """The whole body; raises Problem 413 above `limit` bytes, 408 for a trickle, 400 for a broken one."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    started = asyncio.get_running_loop().time()
    while chunk := await _chunk(request, started + PATIENCE + len(body) / SLOWEST):
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


async def json_body(request: web.Request, limit: int) -> bytes:
    """The body, which is not read as JSON yet; raises Problem 415 where it says to be something else."""
    body = await read_body(request, limit)
    media_type = request.content_type
    if body and media_type not in JSON_TYPES and not media_type.endswith("+json"):
        raise Problem(Kind.MEDIA_TYPE, "Send the body as JSON, with Content-Type: application/json.")
    return body


async def _chunk(request: web.Request, latest: float) -> bytes:
    try:
        async with asyncio.timeout_at(min(latest, asyncio.get_running_loop().time() + PATIENCE)):
            return await request.content.readany()
    except TimeoutError:
        raise Problem(Kind.TOO_SLOW, f"The body paused for {PATIENCE:.0f} seconds, or only trickled.") from None
    except (web.RequestPayloadError, ConnectionError):
        raise Problem(Kind.MALFORMED, "The body ends early, or its encoding is broken.") from None


def _too_large(limit: int) -> Problem:
    return Problem(Kind.TOO_LARGE, f"The body is larger than {limit} bytes, which is all that is taken here.")
