"""Operations on many jobs over HTTP, and their rows of the route table."""

from __future__ import annotations

from aiohttp import web

from cqworker.jobs.operation_actions import MAX_PAGE, USUAL_PAGE, OperationActions
from cqworker.jobs.operation_models import OperationAsk, read_operation
from cqworker.model.job_limits import MAX_JOB_ID
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import LOCAL, caller_of
from cqworker.web.body_reader import json_body
from cqworker.web.json_response import as_json
from cqworker.web.operation_models import OperationsView, OperationView, PreviewView
from cqworker.web.parameters import ADDRESS
from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Header, Parameter, Route, RouteReply

MAX_BODY = 65_536
"""Bytes of a body that names 500 jobs by ids of the longest kind."""


async def start_operation(request: web.Request) -> web.StreamResponse:
    """POST /operations."""
    operations, caller = _operations(request), caller_of(request)
    wish = read_operation(await json_body(request, MAX_BODY))
    by = "the local operator" if caller is LOCAL else caller.name
    view = await operations.answer(wish, caller.tenant, by)
    if wish.dry_run:
        return as_json(view)
    return as_json(view, 202, {"Location": f"/operations/{view['operation_id']}"})


async def list_operations(request: web.Request) -> web.StreamResponse:
    """GET /operations."""
    operations = _operations(request)
    return as_json(await operations.page(request.query, caller_of(request).tenant))


async def show_operation(request: web.Request) -> web.StreamResponse:
    """GET /operations/{operation_id}."""
    operations = _operations(request)
    state = await operations.show(request.match_info["operation_id"], caller_of(request).tenant)
    return as_json(state.view())


async def cancel_operation(request: web.Request) -> web.StreamResponse:
    """POST /operations/{operation_id}/cancel."""
    operations = _operations(request)
    state = await operations.cancel(request.match_info["operation_id"], caller_of(request).tenant)
    return as_json(state.view(), 202)


def _operations(request: web.Request) -> OperationActions:
    return require(context_of(request).operations)


OPERATION_ID = Parameter(
    "operation_id", "path", "The operation's id.", {"type": "string", "minLength": 1, "maxLength": MAX_JOB_ID}
)
OPERATIONS_LIMIT = Parameter(
    "limit",
    "query",
    f"Operations of a page at most, else {USUAL_PAGE}.",
    {"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_PAGE},
)
OPERATIONS_CURSOR = Parameter(
    "cursor",
    "query",
    "Where an earlier page ended: its `next`.",
    {"type": "string", "minLength": 1, "maxLength": MAX_JOB_ID},
)
OPERATION_ROUTES = (
    Route(
        method="POST",
        path="/operations",
        name="startOperation",
        tag="operations",
        summary="Retry or cancel all jobs that a filter matches",
        endpoint=start_operation,
        scope="operate",
        body=OperationAsk,
        replies={
            202: RouteReply(
                "It will be done.", OperationView, {"Location": Header("The operation's address.", ADDRESS)}
            ),
            200: RouteReply("What it would be done to: a dry run.", PreviewView),
        },
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.LISTING_REFUSED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.INVALID,
            ProblemKind.NOT_ALLOWED_NOW,
            ProblemKind.NOT_PROVISIONED,
            ProblemKind.UNAVAILABLE,
            ProblemKind.QUEUE_DRAINING,
            ProblemKind.CROWDED,
        ),
    ),
    Route(
        method="GET",
        path="/operations",
        name="listOperations",
        tag="operations",
        summary="List the operations, the newest first",
        endpoint=list_operations,
        scope="operate",
        parameters=(OPERATIONS_LIMIT, OPERATIONS_CURSOR),
        replies={200: RouteReply("A page of the list.", OperationsView)},
        problems=(ProblemKind.LISTING_REFUSED, ProblemKind.UNAVAILABLE),
    ),
    Route(
        method="GET",
        path="/operations/{operation_id}",
        name="showOperation",
        tag="operations",
        summary="Show how far an operation is",
        endpoint=show_operation,
        scope="operate",
        parameters=(OPERATION_ID,),
        replies={200: RouteReply("The operation as it is now.", OperationView)},
        problems=(ProblemKind.JOB_NOT_FOUND, ProblemKind.UNAVAILABLE),
    ),
    Route(
        method="POST",
        path="/operations/{operation_id}/cancel",
        name="cancelOperation",
        tag="operations",
        summary="Stop an operation; what it has done stays done",
        endpoint=cancel_operation,
        scope="operate",
        parameters=(OPERATION_ID,),
        replies={202: RouteReply("It will stop.", OperationView)},
        problems=(ProblemKind.JOB_NOT_FOUND, ProblemKind.NOT_ALLOWED_NOW, ProblemKind.UNAVAILABLE),
    ),
)
