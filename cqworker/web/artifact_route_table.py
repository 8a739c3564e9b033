"""The rows of the route table that bring and fetch bytes."""

from __future__ import annotations

from cqworker.web import artifact_routes, response_models
from cqworker.web.parameters import ARTIFACT_ADDRESS, ARTIFACT_ID, ARTIFACT_NAME, ATTACHED, BYTES, JOB_ID
from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Route, RouteReply

DOWNLOAD_PROBLEMS = (
    ProblemKind.JOB_NOT_FOUND,
    ProblemKind.ARTIFACT_NOT_FOUND,
    ProblemKind.ARTIFACT_TOO_LARGE,
    ProblemKind.UNAVAILABLE,
    ProblemKind.CROWDED,
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
