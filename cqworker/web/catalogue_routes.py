"""What can be asked for: the job types, the calls, and their OpenAPI description."""

from __future__ import annotations

import asyncio

from aiohttp import web

from cqworker.model.unique import unique_terms
from cqworker.plugins.loaded_handlers import BrokenPlugin, Handler
from cqworker.web.app_context import context_of
from cqworker.web.json_response import as_json
from cqworker.web.openapi import ApiDocument

ROUTE_LIST = web.AppKey("index", dict[str, object])
API_DOCUMENT = web.AppKey("description", ApiDocument)


async def handlers(request: web.Request) -> web.StreamResponse:
    """GET /handlers."""
    registry = context_of(request).registry
    usable = [_handler(registry.handlers[name]) for name in sorted(registry.handlers)]
    return as_json({"handlers": usable, "broken": [_broken(plugin) for plugin in registry.broken]})


async def index(request: web.Request) -> web.StreamResponse:
    """GET /."""
    return as_json(request.app[ROUTE_LIST])


async def openapi(request: web.Request) -> web.StreamResponse:
    """GET /openapi.json."""
    document = request.app[API_DOCUMENT]
    text = await asyncio.to_thread(lambda: document.text)  # written at the first look, which takes too long here
    return web.Response(body=text, content_type="application/json")


def _handler(handler: Handler) -> dict[str, object]:
    backoff = {"first": handler.backoff.first, "factor": handler.backoff.factor, "cap": handler.backoff.cap}
    return {
        "type": handler.type,
        "description": handler.description,
        "payload_schema": handler.payload_schema,
        "result_schema": handler.result_schema,
        "timeout": handler.timeout,
        "max_attempts": handler.max_attempts,
        "backoff": backoff,
        "concurrency": handler.concurrency,
        "queue": handler.queue,
        "unique": unique_terms(handler.unique),
        "executor": handler.executor,
        "memory": handler.memory,
        "origin": handler.origin,
        "distribution": handler.distribution,
        "version": handler.version,
    }


def _broken(plugin: BrokenPlugin) -> dict[str, object]:
    return {
        "type": plugin.type,
        "origin": plugin.origin,
        "distribution": plugin.distribution,
        "cause": plugin.cause,
        "remedy": plugin.remedy,
    }
