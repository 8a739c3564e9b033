"""Lists and counts of jobs over HTTP, and their rows of the route table."""

from __future__ import annotations

from aiohttp import web

from cqworker.errors import ListingRefused
from cqworker.jobs.list_ask import ListAsk, list_ask_from
from cqworker.jobs.list_view import count_view, page_view
from cqworker.web import response_models
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import caller_of
from cqworker.web.json_response import as_json
from cqworker.web.parameters import CURSOR, LIMIT, LIST_FILTERS, STATUS, TAG
from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Route, RouteReply


async def list_jobs(request: web.Request) -> web.StreamResponse:
    """GET /jobs."""
    lists, tenant = require(context_of(request).lists), caller_of(request).tenant
    return as_json(page_view(await lists.page(_asked(request), tenant)))


async def count_jobs(request: web.Request) -> web.StreamResponse:
    """GET /jobs/count."""
    lists, tenant = require(context_of(request).lists), caller_of(request).tenant
    return as_json(count_view(await lists.count(_asked(request), tenant)))


def _asked(request: web.Request) -> ListAsk:
    """What the query string asks for. Raises ListingRefused."""
    names = list(request.query)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ListingRefused(f"`{twice[:40]}` is given twice; a list has one of each filter.")
    return list_ask_from(request.query)


PROBLEMS = (ProblemKind.LISTING_REFUSED, ProblemKind.NOT_PROVISIONED, ProblemKind.UNAVAILABLE)
LIST_ROUTES = (
    Route(
        method="GET",
        path="/jobs",
        name="listJobs",
        tag="jobs",
        summary="List jobs, the newest first",
        endpoint=list_jobs,
        scope="read",
        parameters=(STATUS, *LIST_FILTERS, TAG, LIMIT, CURSOR),
        replies={200: RouteReply("A page of the list.", response_models.JobListView)},
        problems=PROBLEMS,
    ),
    Route(
        method="GET",
        path="/jobs/count",
        name="countJobs",
        tag="jobs",
        summary="Count the jobs that failed",
        endpoint=count_jobs,
        scope="read",
        parameters=(STATUS, *LIST_FILTERS, CURSOR),
        replies={200: RouteReply("How many there are.", response_models.JobCountView)},
        problems=PROBLEMS,
    ),
)
