"""The rows of the route table that are about the fleet."""

from __future__ import annotations

from pydantic import BaseModel

from cqworker.web import fleet_models, fleet_routes
from cqworker.web.host_guard import Endpoint
from cqworker.web.parameters import DAYS, QUEUE, WORKER
from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Route, RouteReply

ORDER_PROBLEMS = (ProblemKind.WORKER_NOT_FOUND, ProblemKind.UNAVAILABLE)
BODY_PROBLEMS = (
    ProblemKind.MALFORMED,
    ProblemKind.TOO_SLOW,
    ProblemKind.TOO_LARGE,
    ProblemKind.MEDIA_TYPE,
    ProblemKind.INVALID,
)
QUEUE_PROBLEMS = (ProblemKind.UNKNOWN_QUEUE, ProblemKind.NOT_ALLOWED_NOW, ProblemKind.UNAVAILABLE)


def _order(act: str, summary: str, endpoint: Endpoint) -> Route:
    return Route(
        method="POST",
        path=f"/workers/{{worker}}/{act}",
        name=f"{act}Worker",
        tag="fleet",
        summary=summary,
        endpoint=endpoint,
        scope="operate",
        parameters=(WORKER,),
        replies={202: RouteReply("It hears of it with its next heartbeat.", fleet_models.WorkerView)},
        problems=ORDER_PROBLEMS,
    )


def _queue_call(act: str, summary: str, endpoint: Endpoint, body: type[BaseModel], *more: ProblemKind) -> Route:
    return Route(
        method="POST",
        path=f"/queues/{{queue}}/{act}",
        name=f"{act}Queue",
        tag="fleet",
        summary=summary,
        endpoint=endpoint,
        scope="operate",
        parameters=(QUEUE,),
        body=body,
        needs_body=False,
        replies={202: RouteReply("It holds; workers notice it within half a minute.", fleet_models.QueueView)},
        problems=(*BODY_PROBLEMS, *more, *QUEUE_PROBLEMS),
    )


FLEET_ROUTES = (
    Route(
        method="GET",
        path="/workers",
        name="listWorkers",
        tag="fleet",
        summary="List the workers of the fleet",
        endpoint=fleet_routes.list_workers,
        scope="operate",
        replies={200: RouteReply("The workers, by name.", fleet_models.WorkersView)},
        problems=(ProblemKind.UNAVAILABLE,),
    ),
    Route(
        method="GET",
        path="/workers/counts",
        name="countFleetJobs",
        tag="fleet",
        summary="Count the fleet's jobs by type and outcome",
        endpoint=fleet_routes.count_fleet_jobs,
        scope="operate",
        parameters=(DAYS,),
        replies={200: RouteReply("What the workers counted.", fleet_models.FleetCountsView)},
        problems=(ProblemKind.MALFORMED, ProblemKind.UNAVAILABLE),
    ),
    _order("quiet", "Have one worker receive nothing more", fleet_routes.quiet_worker),
    _order("resume", "Have one worker receive again", fleet_routes.resume_worker),
    _order("drain", "Have one worker finish and leave", fleet_routes.drain_worker),
    Route(
        method="GET",
        path="/queues",
        name="listQueues",
        tag="fleet",
        summary="List the queues and how they stand",
        endpoint=fleet_routes.list_queues,
        scope="operate",
        replies={200: RouteReply("The queues, by name.", fleet_models.QueuesView)},
        problems=(ProblemKind.UNAVAILABLE,),
    ),
    _queue_call(
        "pause",
        "Receive nothing more from a queue for a time",
        fleet_routes.pause_queue,
        fleet_models.QueueAsk,
        ProblemKind.PAUSE_REFUSED,
    ),
    _queue_call(
        "drain",
        "Accept no new jobs for a queue",
        fleet_routes.drain_queue,
        fleet_models.QueueAsk,
        ProblemKind.PAUSE_REFUSED,
    ),
    _queue_call("resume", "Have a queue run as usual", fleet_routes.resume_queue, fleet_models.ResumeAsk),
)
