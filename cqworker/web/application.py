"""The application: the route table put to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web

from cqworker.web.app_context import LONG_POLLS, PARTS, Parts
from cqworker.web.artifact_routes import MAX_TRANSFERS, TRANSFER_TIMEOUT, TRANSFERS, TRANSFERS_FULL
from cqworker.web.auth import CALLER, GATE, Gate
from cqworker.web.body_reader import BODY_QUOTA, MAX_BODIES_IN_MEMORY, answer_expect
from cqworker.web.buffer_quota import BufferQuota
from cqworker.web.catalogue_routes import DESCRIPTION, INDEX
from cqworker.web.client_connection import connection_of
from cqworker.web.connection_limit import most_connections
from cqworker.web.error_middleware import mending
from cqworker.web.fair_queue import FairQueue
from cqworker.web.health_routes import build
from cqworker.web.host_guard import Answer, doors
from cqworker.web.long_poll import LongPolls
from cqworker.web.openapi import Description, Surroundings
from cqworker.web.parse_offload import PARSE_OFFLOAD, ParseOffload
from cqworker.web.route_definition import Call
from cqworker.web.routes import CALLS
from cqworker.web.security_headers import on_prepare
from cqworker.web.submission_limits import RATES, open_rates
from cqworker.web.upload_spool import SPOOLS, UploadSpools

VERSIONED = "/api/v1"
ONE_STEP = ":[^/]+}"
"""What a parameter of an address matches once it is decoded, but for a slash; the router would leave braces out."""
METHODS: dict[str, tuple[str, ...]] = {"GET": ("GET", "HEAD"), "POST": ("POST",)}
"""Where GET is answered, HEAD is."""


def create_app(parts: Parts, *, api: bool) -> web.Application:
    """The application; without the API it serves /healthz, /readyz and /metrics alone, to everybody."""
    http = parts.settings.http
    app = web.Application(middlewares=[mending(parts.emit), doors(http.host)], client_max_size=http.max_body)
    app.on_response_prepare.append(on_prepare)
    app[PARTS] = parts
    app[GATE] = Gate(http)
    app[LONG_POLLS] = LongPolls()
    app[PARSE_OFFLOAD] = ParseOffload(parts.registry)
    app[RATES] = open_rates(http, parts.clock, parts.emit)
    app.on_cleanup.append(_close_parse_offload)
    app[TRANSFERS] = FairQueue(MAX_TRANSFERS, TRANSFER_TIMEOUT, refusal=TRANSFERS_FULL)
    most = most_connections(http.max_connections)
    app[BODY_QUOTA] = BufferQuota(max(MAX_BODIES_IN_MEMORY, http.max_body), most, http.least_rate)
    app[SPOOLS] = UploadSpools(http.max_spool, max(2, most // 4), http.least_rate)
    app.on_cleanup.append(_close_spools)
    calls = CALLS if api else tuple(call for call in CALLS if call.is_vital)
    app[INDEX] = _index(calls)
    queues = tuple(queue.name for queue in parts.settings.queues)
    app[DESCRIPTION] = Description(calls, build()["version"], Surroundings(parts.registry, http, queues))
    for path, at_path in _by_path(calls).items():
        _serve(app, path, {method: call.answer if not api else _guarded(call) for method, call in at_path.items()})
    return app


def _by_path(calls: Sequence[Call]) -> dict[str, dict[str, Call]]:
    """What is served at each address: each call at its own and under the versioned prefix."""
    served: dict[str, dict[str, Call]] = {}
    for call in calls:
        for path in _paths(call):
            served.setdefault(path, {}).update(dict.fromkeys(METHODS[call.method], call))
    return served


def _paths(call: Call) -> tuple[str, ...]:
    if call.is_vital:
        return (call.path,)
    return (call.path, VERSIONED + call.path, *((VERSIONED,) if call.path == "/" else ()))


def _serve(app: web.Application, path: str, answers: Mapping[str, Answer]) -> None:
    """Routes the methods of one address, and refuses the others there: no other address may answer them.

    Left to itself the router would go on to the next pattern that fits: /jobs/batch would be the job called batch.
    """
    resource = app.router.add_resource(path.replace("}", ONE_STEP))
    for method, answer in answers.items():
        resource.add_route(method, answer, expect_handler=answer_expect)

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, list(answers))

    resource.add_route(hdrs.METH_ANY, refuse, expect_handler=answer_expect)


def _guarded(call: Call) -> Answer:
    """The call's answer, for those who have its scope."""
    if (scope := call.scope) is None:
        return call.answer

    async def admit_and_answer(request: web.Request) -> web.StreamResponse:
        request[CALLER] = caller = request.app[GATE].admit(request, scope)
        if caller.tenant is not None:
            connection_of(request).charge_to(caller.tenant)
        return await call.answer(request)

    return admit_and_answer


def _index(calls: Sequence[Call]) -> dict[str, object]:
    shown = [{"method": call.method, "path": call.path, "summary": call.summary} for call in calls]
    return {"name": "cqworker", "calls": shown}


async def _close_parse_offload(app: web.Application) -> None:
    await app[PARSE_OFFLOAD].close()


async def _close_spools(app: web.Application) -> None:
    app[SPOOLS].close()
