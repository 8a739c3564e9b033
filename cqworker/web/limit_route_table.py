"""The rows of the route table that are about limits."""

from __future__ import annotations

from pydantic import BaseModel

from cqworker.web import limit_models, limit_routes
from cqworker.web.fleet_models import QueueAsk, ResumeAsk
from cqworker.web.fleet_route_table import BODY_PROBLEMS
from cqworker.web.host_guard import Endpoint
from cqworker.web.parameters import KEY_TENANT, LIMIT_KEY
from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Route, RouteReply

KEY_PROBLEMS = (ProblemKind.LIMIT_REFUSED, ProblemKind.UNAVAILABLE)


def _change(act: str, summary: str, endpoint: Endpoint, body: type[BaseModel]) -> Route:
    return Route(
        method="POST",
        path=f"/limits/{{key}}/{act}",
        name=f"{act}Limit",
        tag="fleet",
        summary=summary,
        endpoint=endpoint,
        scope="operate",
        parameters=(LIMIT_KEY, KEY_TENANT),
        body=body,
        needs_body=False,
        replies={202: RouteReply("It holds; workers notice it within half a minute.", limit_models.LimitView)},
        problems=(*BODY_PROBLEMS, ProblemKind.NOT_ALLOWED_NOW, *KEY_PROBLEMS),
    )


LIMIT_ROUTES = (
    Route(
        method="GET",
        path="/limits",
        name="listLimits",
        tag="fleet",
        summary="List the limits and how they stand",
        endpoint=limit_routes.list_limits,
        scope="operate",
        replies={200: RouteReply("The limits, by key.", limit_models.LimitsView)},
        problems=(ProblemKind.UNAVAILABLE,),
    ),
    Route(
        method="GET",
        path="/limits/{key}",
        name="showLimit",
        tag="fleet",
        summary="Show how one limit stands",
        endpoint=limit_routes.show_limit,
        scope="operate",
        parameters=(LIMIT_KEY, KEY_TENANT),
        replies={200: RouteReply("The limit, or that there is none.", limit_models.LimitView)},
        problems=KEY_PROBLEMS,
    ),
    _change("set", "Limit a key otherwise than a file says", limit_routes.set_limit, limit_models.LimitAsk),
    _change("pause", "Start no job of a key for a time", limit_routes.pause_limit, QueueAsk),
    _change("resume", "Limit a key as the file says", limit_routes.resume_limit, ResumeAsk),
)
