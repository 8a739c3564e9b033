"""What every answer says to browsers: guess nothing, keep nothing, tell nobody, run nothing."""

from __future__ import annotations

from aiohttp import hdrs, web

SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def secure(response: web.StreamResponse) -> None:
    """Adds what the answer does not say already; the versions of what serves it are nobody's business."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "cqworker"


async def on_prepare(_request: web.Request, response: web.StreamResponse) -> None:
    """The signal by which an application's answers pass here."""
    secure(response)
