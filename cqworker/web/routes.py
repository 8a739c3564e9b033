"""The route table: every route, what it takes, what it answers and which scope it needs."""

from __future__ import annotations

from cqworker.jobs.submission_models import BatchAsk, SubmitAsk
from cqworker.web import (
    batch_routes,
    catalogue_routes,
    health_routes,
    job_routes,
    response_models,
    worker_models,
)
from cqworker.web.artifact_route_table import ARTIFACT_ROUTES
from cqworker.web.fleet_route_table import FLEET_ROUTES
from cqworker.web.limit_route_table import LIMIT_ROUTES
from cqworker.web.list_routes import LIST_ROUTES
from cqworker.web.operation_routes import OPERATION_ROUTES
from cqworker.web.parameters import (
    IDEMPOTENCY_KEY,
    JOB_ADDRESS,
    JOB_ID,
    REPLAYED,
    TEXT,
    TRACEPARENT,
    WAIT,
)
from cqworker.web.priority_routes import PRIORITY_ROUTES
from cqworker.web.problems import ProblemKind
from cqworker.web.request_models import RetryAsk
from cqworker.web.route_definition import Route, RouteReply
from cqworker.web.schedule_routes import SCHEDULE_ROUTES

JOB = response_models.JobView

JOB_ROUTES = (
    Route(
        method="POST",
        path="/jobs",
        name="submitJob",
        tag="jobs",
        summary="Submit a job",
        endpoint=job_routes.submit_job,
        scope="submit",
        body=SubmitAsk,
        parameters=(IDEMPOTENCY_KEY, TRACEPARENT),
        replies={
            202: RouteReply("Accepted: the job will end in a final status.", JOB, {"Location": JOB_ADDRESS}),
            200: RouteReply(
                "The job of this Idempotency-Key, or the one that has the unique key.",
                JOB,
                {"Location": JOB_ADDRESS, "Idempotent-Replayed": REPLAYED},
            ),
        },
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.INVALID,
            ProblemKind.UNKNOWN_TYPE,
            ProblemKind.UNKNOWN_QUEUE,
            ProblemKind.INVALID_PAYLOAD,
            ProblemKind.KEY_REUSED,
            ProblemKind.DUPLICATE,
            ProblemKind.NOT_PROVISIONED,
            ProblemKind.RATE_LIMITED,
            ProblemKind.UNAVAILABLE,
            ProblemKind.QUEUE_DRAINING,
            ProblemKind.SEND_UNANSWERED,
            ProblemKind.CROWDED,
        ),
    ),
    Route(
        method="POST",
        path="/jobs/batch",
        name="submitJobs",
        tag="jobs",
        summary="Submit up to 500 jobs",
        endpoint=batch_routes.submit_batch,
        scope="submit",
        body=BatchAsk,
        parameters=(TRACEPARENT,),
        replies={200: RouteReply("What became of each job, in their order.", response_models.BatchView)},
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.INVALID,
            ProblemKind.RATE_LIMITED,
            ProblemKind.CROWDED,
        ),
    ),
    Route(
        method="GET",
        path="/jobs/{job_id}",
        name="showJob",
        tag="jobs",
        summary="Show a job, or wait for its end",
        endpoint=job_routes.show_job,
        scope="read",
        parameters=(JOB_ID, WAIT),
        replies={200: RouteReply("The job as it is now.", JOB)},
        problems=(ProblemKind.MALFORMED, ProblemKind.JOB_NOT_FOUND, ProblemKind.UNAVAILABLE),
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/retry",
        name="retryJob",
        tag="jobs",
        summary="Run a failed or cancelled job again, or wake a stuck one",
        endpoint=job_routes.retry_job,
        scope="operate",
        body=RetryAsk,
        needs_body=False,
        parameters=(JOB_ID,),
        replies={202: RouteReply("The job will run again.", JOB)},
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.INVALID,
            ProblemKind.JOB_NOT_FOUND,
            ProblemKind.NOT_ALLOWED_NOW,
            ProblemKind.UNAVAILABLE,
        ),
    ),
    Route(
        method="POST",
        path="/jobs/{job_id}/cancel",
        name="cancelJob",
        tag="jobs",
        summary="Cancel a job",
        endpoint=job_routes.cancel_job,
        scope="operate",
        parameters=(JOB_ID,),
        replies={202: RouteReply("Cancelled, or asked to stop if it runs.", JOB)},
        problems=(ProblemKind.JOB_NOT_FOUND, ProblemKind.NOT_ALLOWED_NOW, ProblemKind.UNAVAILABLE),
    ),
)

CATALOGUE_ROUTES = (
    Route(
        method="GET",
        path="/handlers",
        name="listHandlers",
        tag="handlers",
        summary="List the job types and their schemas",
        endpoint=catalogue_routes.handlers,
        scope="read",
        replies={200: RouteReply("The job types.", response_models.HandlersView)},
    ),
    Route(
        method="GET",
        path="/status",
        name="showStatus",
        tag="worker",
        summary="Show what the worker is doing",
        endpoint=health_routes.status,
        scope="operate",
        replies={200: RouteReply("Queues, slots, leases, handlers, build.", worker_models.StatusView)},
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="describeApi",
        tag="worker",
        summary="Describe this API",
        endpoint=catalogue_routes.openapi,
        scope="read",
        replies={200: RouteReply("This document.", worker_models.DocumentView)},
    ),
    Route(
        method="GET",
        path="/",
        name="listCalls",
        tag="worker",
        summary="List what is served",
        endpoint=catalogue_routes.index,
        scope=None,
        replies={200: RouteReply("The calls.", worker_models.IndexView)},
    ),
)

VITAL_ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        name="checkHealth",
        tag="worker",
        summary="Is the process alive?",
        endpoint=health_routes.healthz,
        scope=None,
        replies={
            200: RouteReply("Yes.", response_models.HealthView),
            503: RouteReply("No: restart it.", response_models.HealthView),
        },
        is_vital=True,
    ),
    Route(
        method="GET",
        path="/readyz",
        name="checkReadiness",
        tag="worker",
        summary="Can it do its work now?",
        endpoint=health_routes.readyz,
        scope=None,
        replies={
            200: RouteReply("Yes.", response_models.ReadinessView),
            503: RouteReply("Not now.", response_models.ReadinessView),
        },
        is_vital=True,
    ),
    Route(
        method="GET",
        path="/metrics",
        name="showMetrics",
        tag="worker",
        summary="Numbers for Prometheus",
        endpoint=health_routes.metrics,
        scope="read",
        replies={200: RouteReply("Prometheus text.", TEXT)},
        is_vital=True,
    ),
)

ROUTES = (
    *LIST_ROUTES,
    *JOB_ROUTES,
    *SCHEDULE_ROUTES,
    *OPERATION_ROUTES,
    *PRIORITY_ROUTES,
    *ARTIFACT_ROUTES,
    *CATALOGUE_ROUTES,
    *FLEET_ROUTES,
    *LIMIT_ROUTES,
    *VITAL_ROUTES,
)
VITAL_PATHS = frozenset(route.path for route in VITAL_ROUTES)
"""Paths that are answered even where every place is taken."""
