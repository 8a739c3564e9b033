"""Guards against DNS rebinding and cross-site requests: which host names are answered, and which web pages may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.typedefs import Middleware

from cqworker.allowed_hosts import LOOPBACK_NAMES, RefusalReason, RequestHeaders, RequestRefused, check_request
from cqworker.settings import is_loopback
from cqworker.web.problems import Problem, ProblemKind

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]
SEC_FETCH_SITE = "Sec-Fetch-Site"
PROBLEM_KINDS = {
    RefusalReason.MALFORMED: ProblemKind.MALFORMED,
    RefusalReason.MISDIRECTED: ProblemKind.MISDIRECTED,
    RefusalReason.CROSS_ORIGIN: ProblemKind.CROSS_ORIGIN,
}


def host_guard(host: str) -> Middleware:
    """A middleware that turns away what a browser was tricked into sending, as `allowed_hosts.check_request` says.

    On loopback, a Host that is not ours is 421. Anywhere, a page of another site is 403.
    """
    names = LOOPBACK_NAMES | {host.strip("[]").lower()} if is_loopback(host) else None

    @web.middleware
    async def guard(request: web.Request, handler: Endpoint) -> web.StreamResponse:
        try:
            check_request(_headers_of(request), names)
        except RequestRefused as error:
            raise Problem(PROBLEM_KINDS[error.reason], str(error)) from None
        return await handler(request)

    return guard


def _headers_of(request: web.Request) -> RequestHeaders:
    values = request.headers.getall
    return RequestHeaders(
        target=request.raw_path,
        hosts=values(hdrs.HOST, ()),
        origins=values(hdrs.ORIGIN, ()),
        sites=values(SEC_FETCH_SITE, ()),
        may_lack_host=request.version < HttpVersion11,
    )
