"""Which names the desk answers to, and which web pages may talk to it: none but its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.typedefs import Middleware

from cqworker.settings import is_loopback
from cqworker.web.problems import Kind, Problem

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def doors(host: str) -> Middleware:
    """A middleware that turns away what a browser was tricked into sending.

    On loopback, a Host that is not ours means DNS rebinding: 421. Anywhere, an Origin that is not the Host means
    that a page of another site asks: 403.
    """
    names = LOOPBACK_NAMES | {host.strip("[]").lower()} if is_loopback(host) else None

    @web.middleware
    async def guard(request: web.Request, handler: Answer) -> web.StreamResponse:
        asked = request.headers.getall(hdrs.HOST, [])
        if len(asked) != 1 and request.version >= HttpVersion11:
            raise Problem(Kind.MALFORMED, "A request has exactly one Host header (RFC 9112, section 3.2).")
        if names is not None and not {_name_of(host) for host in asked} <= names:
            allowed = ", ".join(sorted(names))
            raise Problem(Kind.MISDIRECTED, f"The Host header must name this machine: {allowed}.")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and _authority_of(origin) not in {host.lower() for host in asked}:
            raise Problem(Kind.CROSS_ORIGIN, "The Origin header names another site than the Host header.")
        return await handler(request)

    return guard


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _authority_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
