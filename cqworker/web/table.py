"""The route table: every call, what it takes, what it answers and who may make it."""

from __future__ import annotations

from cqworker.model.artifacts import MAX_NAME
from cqworker.web import answers, artifacts, batch, catalogue, jobs, vitals
from cqworker.web.asks import BatchAsk, RetryAsk, SubmitAsk
from cqworker.web.call import Call, Parameter, Reply
from cqworker.web.problems import Kind

JSON = "application/json"
BYTES = "application/octet-stream"
JOB_ID = Parameter("job_id", "path", "The job's id.", {"type": "string", "maxLength": 64})
ARTIFACT_ID = Parameter("artifact_id", "path", "The artifact's id.", {"type": "string", "pattern": "^[0-9a-f]{32}$"})
ARTIFACT_NAME = Parameter(
    "name", "path", "The name that the job's handler gave it.", {"type": "string", "maxLength": MAX_NAME}
)
WAIT = Parameter(
    "wait", "query", "Seconds to wait for the job to be final.", {"type": "number", "minimum": 0, "maximum": 20}
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "For 24 hours, a request with the same key is answered with the job that the first one made.",
    {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
)
TRACEPARENT = Parameter("traceparent", "header", "The caller's W3C trace context.", {"type": "string"})
JOB = answers.JobView
OF_A_DOWNLOAD = (
    Kind.JOB_NOT_FOUND,
    Kind.ARTIFACT_NOT_FOUND,
    Kind.ARTIFACT_TOO_LARGE,
    Kind.UNAVAILABLE,
    Kind.CROWDED,
)

JOB_CALLS = (
    Call(
        method="POST",
        path="/jobs",
        name="submitJob",
        summary="Submit a job",
        answer=jobs.submit_job,
        scope="submit",
        body=SubmitAsk,
        parameters=(IDEMPOTENCY_KEY, TRACEPARENT),
        replies={
            202: Reply("Accepted: the job will end in a final status.", JOB, {"Location": "The job's address."}),
            200: Reply("This key's job.", JOB, {"Idempotent-Replayed": "Always true."}),
        },
        problems=(
            Kind.MALFORMED,
            Kind.TOO_SLOW,
            Kind.TOO_LARGE,
            Kind.MEDIA_TYPE,
            Kind.INVALID,
            Kind.UNKNOWN_TYPE,
            Kind.UNKNOWN_QUEUE,
            Kind.INVALID_PAYLOAD,
            Kind.KEY_REUSED,
            Kind.UNAVAILABLE,
            Kind.SEND_UNANSWERED,
        ),
    ),
    Call(
        method="POST",
        path="/jobs/batch",
        name="submitJobs",
        summary="Submit up to 500 jobs",
        answer=batch.submit_batch,
        scope="submit",
        body=BatchAsk,
        parameters=(TRACEPARENT,),
        replies={200: Reply("What became of each job, in their order.", answers.BatchView)},
        problems=(Kind.MALFORMED, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.MEDIA_TYPE, Kind.INVALID),
    ),
    Call(
        method="GET",
        path="/jobs/{job_id}",
        name="showJob",
        summary="Show a job, or wait for its end",
        answer=jobs.show_job,
        scope="read",
        parameters=(JOB_ID, WAIT),
        replies={200: Reply("The job as it is now.", JOB)},
        problems=(Kind.MALFORMED, Kind.JOB_NOT_FOUND, Kind.UNAVAILABLE),
    ),
    Call(
        method="POST",
        path="/jobs/{job_id}/retry",
        name="retryJob",
        summary="Run a failed or cancelled job again, or wake a stuck one",
        answer=jobs.retry_job,
        scope="operate",
        body=RetryAsk,
        needs_body=False,
        parameters=(JOB_ID,),
        replies={202: Reply("The job will run again.", JOB)},
        problems=(
            Kind.MALFORMED,
            Kind.TOO_SLOW,
            Kind.TOO_LARGE,
            Kind.MEDIA_TYPE,
            Kind.INVALID,
            Kind.JOB_NOT_FOUND,
            Kind.NOT_ALLOWED_NOW,
            Kind.UNAVAILABLE,
        ),
    ),
    Call(
        method="POST",
        path="/jobs/{job_id}/cancel",
        name="cancelJob",
        summary="Cancel a job",
        answer=jobs.cancel_job,
        scope="operate",
        parameters=(JOB_ID,),
        replies={202: Reply("Cancelled, or asked to stop if it runs.", JOB)},
        problems=(Kind.JOB_NOT_FOUND, Kind.NOT_ALLOWED_NOW, Kind.UNAVAILABLE),
    ),
)

ARTIFACT_CALLS = (
    Call(
        method="POST",
        path="/artifacts",
        name="uploadArtifact",
        summary="Upload bytes to use as a source",
        answer=artifacts.upload,
        scope="submit",
        body=BYTES,
        replies={201: Reply("Stored.", answers.ArtifactView, {"Location": "The artifact's address."})},
        problems=(Kind.MALFORMED, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.MEDIA_TYPE, Kind.UNAVAILABLE, Kind.CROWDED),
    ),
    Call(
        method="GET",
        path="/artifacts/{artifact_id}",
        name="downloadArtifact",
        summary="Fetch an uploaded artifact",
        answer=artifacts.download,
        scope="read",
        parameters=(ARTIFACT_ID,),
        replies={200: Reply("The bytes, as an attachment.", BYTES)},
        problems=(Kind.ARTIFACT_NOT_FOUND, Kind.ARTIFACT_TOO_LARGE, Kind.UNAVAILABLE, Kind.CROWDED),
    ),
    Call(
        method="GET",
        path="/jobs/{job_id}/artifact",
        name="downloadJobArtifact",
        summary="Fetch what a job made",
        answer=artifacts.download_of_job,
        scope="read",
        parameters=(JOB_ID,),
        replies={200: Reply("The bytes that the result's `output` refers to, or a result too big to show.", BYTES)},
        problems=OF_A_DOWNLOAD,
    ),
    Call(
        method="GET",
        path="/jobs/{job_id}/artifacts/{name}",
        name="downloadNamedArtifact",
        summary="Fetch by its name what a job made",
        answer=artifacts.download_by_name,
        scope="read",
        parameters=(JOB_ID, ARTIFACT_NAME),
        replies={200: Reply("The bytes that the job's last attempt wrote under this name.", BYTES)},
        problems=OF_A_DOWNLOAD,
    ),
)

KNOWLEDGE_CALLS = (
    Call(
        method="GET",
        path="/handlers",
        name="listHandlers",
        summary="List the job types and their schemas",
        answer=catalogue.handlers,
        scope="read",
        replies={200: Reply("The job types.", answers.HandlersView)},
    ),
    Call(
        method="GET",
        path="/status",
        name="showStatus",
        summary="Show what the worker is doing",
        answer=vitals.status,
        scope="operate",
        replies={200: Reply("Queues, slots, leases, handlers, build.", JSON)},
    ),
    Call(
        method="GET",
        path="/openapi.json",
        name="describe",
        summary="Describe this API",
        answer=catalogue.openapi,
        scope="read",
        replies={200: Reply("This document.", JSON)},
    ),
    Call(
        method="GET",
        path="/",
        name="index",
        summary="List what is served",
        answer=catalogue.index,
        scope=None,
        replies={200: Reply("The calls.", JSON)},
    ),
)

VITAL_CALLS = (
    Call(
        method="GET",
        path="/healthz",
        name="checkHealth",
        summary="Is the process alive?",
        answer=vitals.healthz,
        scope=None,
        replies={200: Reply("Yes.", answers.HealthView), 503: Reply("No: restart it.", answers.HealthView)},
        is_vital=True,
    ),
    Call(
        method="GET",
        path="/readyz",
        name="checkReadiness",
        summary="Can it do its work now?",
        answer=vitals.readyz,
        scope=None,
        replies={200: Reply("Yes.", answers.ReadinessView), 503: Reply("Not now.", answers.ReadinessView)},
        is_vital=True,
    ),
    Call(
        method="GET",
        path="/metrics",
        name="showMetrics",
        summary="Numbers for Prometheus",
        answer=vitals.metrics,
        scope="read",
        replies={200: Reply("Prometheus text.", "text/plain")},
        is_vital=True,
    ),
)

CALLS = (*JOB_CALLS, *ARTIFACT_CALLS, *KNOWLEDGE_CALLS, *VITAL_CALLS)
