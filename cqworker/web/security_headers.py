"""The security headers of every answer: no sniffing, no caching, no referrer, no scripts."""

from __future__ import annotations

from aiohttp import hdrs, web

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def add_security_headers(response: web.StreamResponse) -> None:
    """Adds the headers that the answer lacks, and hides the server's version."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "cqworker"


async def add_on_prepare(_request: web.Request, response: web.StreamResponse) -> None:
    """aiohttp's signal `on_response_prepare`."""
    add_security_headers(response)
