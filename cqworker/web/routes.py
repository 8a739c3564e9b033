"""The route table: every route, what it takes, what it answers and which scope it needs."""

from __future__ import annotations

from cqworker.jobs.submission_models import BatchAsk, SubmitAsk
from cqworker.web import (
    artifact_routes,
    batch_routes,
    catalogue_routes,
    health_routes,
    job_routes,
    response_models,
    worker_models,
)
from cqworker.web.fleet_route_table import FLEET_ROUTES
from cqworker.web.list_routes import LIST_ROUTES
from cqworker.web.parameters import (
    ARTIFACT_ADDRESS,
    ARTIFACT_ID,
    ARTIFACT_NAME,
    ATTACHED,
    BYTES,
    IDEMPOTENCY_KEY,
    JOB_ADDRESS,
    JOB_ID,
    REPLAYED,
    TEXT,
    TRACEPARENT,
    WAIT,
)
from cqworker.web.problems import ProblemKind
from cqworker.web.request_models import RetryAsk
from cqworker.web.route_definition import Route, RouteReply

JOB = response_models.JobView
DOWNLOAD_PROBLEMS = (
    ProblemKind.JOB_NOT_FOUND,
    ProblemKind.ARTIFACT_NOT_FOUND,
    ProblemKind.ARTIFACT_TOO_LARGE,
    ProblemKind.UNAVAILABLE,
    ProblemKind.CROWDED,
)

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
            200: RouteReply("This key's job.", JOB, {"Location": JOB_ADDRESS, "Idempotent-Replayed": REPLAYED}),
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

ARTIFACT_ROUTES = (
    Route(
        method="POST",
        path="/artifacts",
        name="uploadArtifact",
        tag="artifacts",
        summary="Upload bytes to use as a source",
        endpoint=artifact_routes.upload,
        scope="submit",
        body=BYTES,
        replies={201: RouteReply("Stored.", response_models.ArtifactView, {"Location": ARTIFACT_ADDRESS})},
        problems=(
            ProblemKind.MALFORMED,
            ProblemKind.TOO_SLOW,
            ProblemKind.TOO_LARGE,
            ProblemKind.MEDIA_TYPE,
            ProblemKind.RATE_LIMITED,
            ProblemKind.UNAVAILABLE,
            ProblemKind.CROWDED,
        ),
    ),
    Route(
        method="GET",
        path="/artifacts/{artifact_id}",
        name="downloadArtifact",
        tag="artifacts",
        summary="Fetch an uploaded artifact",
        endpoint=artifact_routes.download,
        scope="read",
        parameters=(ARTIFACT_ID,),
        replies={200: RouteReply("The bytes, as an attachment.", BYTES, ATTACHED)},
        problems=(
            ProblemKind.ARTIFACT_NOT_FOUND,
            ProblemKind.ARTIFACT_TOO_LARGE,
            ProblemKind.UNAVAILABLE,
            ProblemKind.CROWDED,
        ),
    ),
    Route(
        method="GET",
        path="/jobs/{job_id}/artifact",
        name="downloadJobArtifact",
        tag="artifacts",
        summary="Fetch what a job made",
        endpoint=artifact_routes.download_of_job,
        scope="read",
        parameters=(JOB_ID,),
        replies={
            200: RouteReply("What the result's `output` refers to, or a result too big to show.", BYTES, ATTACHED)
        },
        problems=DOWNLOAD_PROBLEMS,
    ),
    Route(
        method="GET",
        path="/jobs/{job_id}/artifacts/{name}",
        name="downloadNamedArtifact",
        tag="artifacts",
        summary="Fetch by its name what a job made",
        endpoint=artifact_routes.download_by_name,
        scope="read",
        parameters=(JOB_ID, ARTIFACT_NAME),
        replies={200: RouteReply("What the job's last attempt wrote under this name.", BYTES, ATTACHED)},
        problems=DOWNLOAD_PROBLEMS,
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

ROUTES = (*LIST_ROUTES, *JOB_ROUTES, *ARTIFACT_ROUTES, *CATALOGUE_ROUTES, *FLEET_ROUTES, *VITAL_ROUTES)
VITAL_PATHS = frozenset(route.path for route in VITAL_ROUTES)
"""Paths that are answered even where every place is taken."""
