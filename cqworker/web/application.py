"""The aiohttp application: the route table, its middlewares and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web

from cqworker.jobs.token_bucket import SubmissionRates, rates_from
from cqworker.web.app_context import APP_CONTEXT, LONG_POLLS, AppContext
from cqworker.web.artifact_routes import MAX_TRANSFERS, TRANSFER_TIMEOUT, TRANSFERS, TRANSFERS_FULL
from cqworker.web.auth import AUTHENTICATOR, CALLER, LOCAL, SUBMISSION_RATES, Authenticator
from cqworker.web.body_reader import BODY_QUOTA, MAX_BODIES_IN_MEMORY, answer_expect
from cqworker.web.buffer_quota import BufferQuota
from cqworker.web.catalogue_routes import API_DOCUMENT, ROUTE_LIST
from cqworker.web.client_connection import connection_of
from cqworker.web.connection_limit import most_connections
from cqworker.web.error_middleware import error_middleware
from cqworker.web.fair_queue import FairQueue
from cqworker.web.health_routes import build_info
from cqworker.web.host_guard import Endpoint, host_guard
from cqworker.web.long_poll import LongPolls
from cqworker.web.openapi import ApiDocument, DocumentContext
from cqworker.web.parse_offload import PARSE_OFFLOAD, ParseOffload
from cqworker.web.route_definition import Route
from cqworker.web.routes import ROUTES
from cqworker.web.security_headers import add_on_prepare
from cqworker.web.upload_spool import SPOOLS, UploadSpools

VERSIONED = "/api/v1"
PATH_SEGMENT = ":[^/]+}"
"""What a path parameter matches: anything but a slash, braces included, which the router would leave out."""
SERVED_METHODS: dict[str, tuple[str, ...]] = {"GET": ("GET", "HEAD"), "POST": ("POST",)}
"""Where GET is answered, HEAD is."""


def create_app(context: AppContext, *, api: bool) -> web.Application:
    """The application; without the API it serves /healthz, /readyz and /metrics alone, to everybody."""
    http = context.settings.http
    app = web.Application(
        middlewares=[error_middleware(context.emit), host_guard(http.host)], client_max_size=http.max_body
    )
    app.on_response_prepare.append(add_on_prepare)
    app[APP_CONTEXT] = context
    app[AUTHENTICATOR] = Authenticator(http)
    app[LONG_POLLS] = LongPolls()
    app[PARSE_OFFLOAD] = ParseOffload(context.registry)
    rates = rates_from(http, LOCAL.name, LOCAL.own_tenant)
    app[SUBMISSION_RATES] = SubmissionRates(rates, context.clock, context.emit)
    app.on_cleanup.append(_close_parse_offload)
    app[TRANSFERS] = FairQueue(MAX_TRANSFERS, TRANSFER_TIMEOUT, refusal=TRANSFERS_FULL)
    most = most_connections(http.max_connections)
    app[BODY_QUOTA] = BufferQuota(max(MAX_BODIES_IN_MEMORY, http.max_body), most, http.least_rate)
    app[SPOOLS] = UploadSpools(http.max_spool, max(2, most // 4), http.least_rate)
    app.on_cleanup.append(_close_spools)
    routes = ROUTES if api else tuple(route for route in ROUTES if route.is_vital)
    app[ROUTE_LIST] = _list_routes(routes)
    queues = tuple(queue.name for queue in context.settings.queues)
    app[API_DOCUMENT] = ApiDocument(routes, build_info()["version"], DocumentContext(context.registry, http, queues))
    for path, at_path in _by_path(routes).items():
        _add_routes(
            app,
            path,
            {method: route.endpoint if not api else _require_scope(route) for method, route in at_path.items()},
        )
    return app


def _by_path(routes: Sequence[Route]) -> dict[str, dict[str, Route]]:
    """The routes of each address: every route at its own path and under the versioned prefix."""
    served: dict[str, dict[str, Route]] = {}
    for route in routes:
        for path in _paths(route):
            served.setdefault(path, {}).update(dict.fromkeys(SERVED_METHODS[route.method], route))
    return served


def _paths(route: Route) -> tuple[str, ...]:
    if route.is_vital:
        return (route.path,)
    return (route.path, VERSIONED + route.path, *((VERSIONED,) if route.path == "/" else ()))


def _add_routes(app: web.Application, path: str, answers: Mapping[str, Endpoint]) -> None:
    """Adds the methods of one address, and refuses the others there.

    The router alone would try the next pattern that fits: GET /jobs/batch would show the job called batch.
    """
    resource = app.router.add_resource(path.replace("}", PATH_SEGMENT))
    for method, answer in answers.items():
        resource.add_route(method, answer, expect_handler=answer_expect)

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, list(answers))

    resource.add_route(hdrs.METH_ANY, refuse, expect_handler=answer_expect)


def _require_scope(route: Route) -> Endpoint:
    """The route's endpoint, for callers who have its scope."""
    if (scope := route.scope) is None:
        return route.endpoint

    async def authorize_and_answer(request: web.Request) -> web.StreamResponse:
        request[CALLER] = caller = request.app[AUTHENTICATOR].authorize(request, scope)
        if caller.tenant is not None:
            connection_of(request).charge_to(caller.tenant)
        return await route.endpoint(request)

    return authorize_and_answer


def _list_routes(routes: Sequence[Route]) -> dict[str, object]:
    shown = [{"method": route.method, "path": route.path, "summary": route.summary} for route in routes]
    return {"name": "cqworker", "calls": shown}


async def _close_parse_offload(app: web.Application) -> None:
    await app[PARSE_OFFLOAD].close()


async def _close_spools(app: web.Application) -> None:
    app[SPOOLS].close()
