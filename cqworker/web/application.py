"""The application: the route table put to work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from cqworker.settings.model import Scope
from cqworker.web.artifacts import MAX_AT_ONCE, TRANSFERS
from cqworker.web.call import Call
from cqworker.web.catalogue import DESCRIPTION, INDEX
from cqworker.web.doors import Answer, doors
from cqworker.web.headers import on_prepare
from cqworker.web.mending import mending
from cqworker.web.openapi import Description
from cqworker.web.parts import PARTS, WAITING_ROOM, Parts
from cqworker.web.table import CALLS
from cqworker.web.tokens import CALLER, GATE, Gate
from cqworker.web.vitals import build
from cqworker.web.waiting import WaitingRoom

VERSIONED = "/api/v1"


def create_app(parts: Parts, *, api: bool) -> web.Application:
    """The application; without the API it serves /healthz, /readyz and /metrics alone, to everybody."""
    http = parts.settings.http
    app = web.Application(middlewares=[mending(parts.emit), doors(http.host)], client_max_size=http.max_body)
    app.on_response_prepare.append(on_prepare)
    app[PARTS] = parts
    app[GATE] = Gate(http)
    app[WAITING_ROOM] = WaitingRoom()
    app[TRANSFERS] = asyncio.Semaphore(MAX_AT_ONCE)
    calls = CALLS if api else tuple(call for call in CALLS if call.is_vital)
    app[INDEX] = _index(calls)
    app[DESCRIPTION] = Description(calls, build()["version"])
    for call in calls:
        _serve(app, call, call.scope if api else None)
    return app


def _serve(app: web.Application, call: Call, scope: Scope | None) -> None:
    """Routes the call, HEAD with GET, at its address and under the versioned prefix."""
    answer = call.answer if scope is None else _for_those_with(scope, call.answer)
    for path in (call.path,) if call.is_vital else (call.path, VERSIONED + call.path.rstrip("/")):
        if call.method == "GET":
            app.router.add_get(path, answer)
        else:
            app.router.add_post(path, answer)


def _for_those_with(scope: Scope, answer: Answer) -> Answer:
    async def admit_and_answer(request: web.Request) -> web.StreamResponse:
        request[CALLER] = request.app[GATE].admit(request, scope)
        return await answer(request)

    return admit_and_answer


def _index(calls: Sequence[Call]) -> dict[str, object]:
    shown = [{"method": call.method, "path": call.path, "summary": call.summary} for call in calls]
    return {"name": "cqworker", "calls": shown}
