"""Liveness, readiness, status and metrics of this process."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from aiohttp import web

from cqworker.health.service_health import Trouble
from cqworker.web.app_context import context_of
from cqworker.web.auth import AUTHENTICATOR, caller_of
from cqworker.web.json_response import as_json


async def healthz(request: web.Request) -> web.StreamResponse:
    """GET /healthz; the reasons name queues, so that they are for those who may read."""
    reasons = context_of(request).health.liveness()
    shown: dict[str, object] = {"status": "unhealthy" if reasons else "healthy"}
    if request.app[AUTHENTICATOR].may_read(request):
        shown["reasons"] = list(reasons)
    return as_json(shown, 503 if reasons else 200)


async def readyz(request: web.Request) -> web.StreamResponse:
    """GET /readyz; the causes name queues and tables, so that they are for those who may read."""
    troubles = context_of(request).health.readiness()
    shown: dict[str, object] = {"status": "unready" if troubles else "ready"}
    if request.app[AUTHENTICATOR].may_read(request):
        shown["troubles"] = [_trouble_json(trouble) for trouble in troubles]
    return as_json(shown, 503 if troubles else 200)


async def status(request: web.Request) -> web.StreamResponse:
    """GET /status; the counts and the failures are those of the caller's tenant."""
    context = context_of(request)
    counts = context.stats(caller_of(request).tenant)
    handlers = {"usable": sorted(context.registry.handlers), "broken": sorted(b.type for b in context.registry.broken)}
    return as_json({"build": build_info(), **context.health.status(), "handlers": handlers, "counts": counts})


async def metrics(request: web.Request) -> web.StreamResponse:
    """GET /metrics."""
    body, content_type = context_of(request).metrics()
    return web.Response(body=body, headers={"Content-Type": content_type})


@cache
def build_info() -> Mapping[str, str]:
    """What runs: versions of cqworker and Python."""
    try:
        ours = version("cqworker")
    except PackageNotFoundError:  # a checkout that is not installed
        ours = "0"
    return {"version": ours, "python": platform.python_version()}


def _trouble_json(trouble: Trouble) -> dict[str, str]:
    return {"service": trouble.service, "cause": trouble.cause, "remedy": trouble.remedy}
