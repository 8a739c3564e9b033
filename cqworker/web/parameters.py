"""The parameters and headers that the route table names."""

from __future__ import annotations

from collections.abc import Mapping

from cqworker.fleet.fleet_counts import MAX_DAYS
from cqworker.jobs.list_ask import MAX_PAGE, MAX_TEXT, USUAL_PAGE
from cqworker.jobs.list_cursor import MAX_CURSOR
from cqworker.model.artifact_keys import MAX_NAME, NAME_PATTERN
from cqworker.model.job_limits import MAX_JOB_ID, MAX_WAIT
from cqworker.model.status import Status
from cqworker.web import response_models
from cqworker.web.openapi_schemas import reference
from cqworker.web.problems import RETRY_AFTER
from cqworker.web.route_definition import Header, Parameter

BYTES = "application/octet-stream"
TEXT = "text/plain"
JOB_ID = Parameter("job_id", "path", "The job's id.", {"type": "string", "minLength": 1, "maxLength": MAX_JOB_ID})
ARTIFACT_ID = Parameter(
    "artifact_id", "path", "The artifact's id.", {"type": "string", "pattern": response_models.ARTIFACT_ID}
)
ARTIFACT_NAME = Parameter(
    "name",
    "path",
    "The name that the job's handler gave it.",
    {"type": "string", "maxLength": MAX_NAME, "pattern": f"^{NAME_PATTERN}$"},
)
WORKER = Parameter(
    "worker", "path", "The worker's name, as GET /workers has it.", {"type": "string", "minLength": 1, "maxLength": 128}
)
DAYS = Parameter(
    "days",
    "query",
    "Days for which the counts of removed workers are shown, today (UTC) being the first; else 1.",
    {"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_DAYS},
)
QUEUE = Parameter("queue", "path", "The queue's name.", {"type": "string", "minLength": 1, "maxLength": 80})
WAIT = Parameter(
    "wait",
    "query",
    "Seconds to wait for the job to be final, else 0.",
    {"type": "number", "format": "double", "minimum": 0, "maximum": MAX_WAIT},
)


def _filter(name: str, description: str, **schema: object) -> Parameter:
    return Parameter(name, "query", description, {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, **schema})


_TIME: Mapping[str, object] = {"examples": ["2026-11-30T06:00:00Z", "2026-11-30"]}
STATUS = Parameter("status", "query", "Only this status; else every one.", reference(Status.__name__))
LIST_FILTERS = (
    _filter("type", "Only this job type."),
    _filter("queue", "Only this queue."),
    _filter("tenant", "Only this tenant; a token with a tenant sees its own alone."),
    _filter("worker", "Only what this worker ended, or had last."),
    _filter("release", "Only what this release of the code ended."),
    _filter("fingerprint", "Only failures that are alike: those with this `failure.fingerprint`."),
    _filter("from", "Not before this RFC 3339 time, or day (UTC).", **_TIME),
    _filter("to", "Before this RFC 3339 time, or day (UTC).", **_TIME),
)
TAG = _filter("tag", "Only jobs with this tag.")
LIMIT = Parameter(
    "limit",
    "query",
    f"Jobs of a page at most, else {USUAL_PAGE}.",
    {"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_PAGE},
)
CURSOR = Parameter(
    "cursor",
    "query",
    "Where an earlier page of the same list ended: its `next`.",
    {"type": "string", "minLength": 1, "maxLength": MAX_CURSOR},
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "For 24 hours, a request with the same key is answered with the job that the first one made.",
    {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]([ -~]*[!-~])?$"},
)
TRACEPARENT = Parameter(
    "traceparent", "header", "The caller's W3C trace context; one that is malformed is ignored.", {"type": "string"}
)
ADDRESS = {"type": "string", "format": "uri-reference"}
JOB_ADDRESS = Header("The job's address.", ADDRESS)
ARTIFACT_ADDRESS = Header("The artifact's address.", ADDRESS)
REPLAYED = Header("An earlier request made the job.", {"type": "string", "const": "true"})
ATTACHED = {"Content-Disposition": Header("An attachment, and a name for its file.", {"type": "string"})}
CHALLENGE = Header("How to ask (RFC 6750).", {"type": "string"})
RETRY_AFTER_HEADER = Header(
    "Seconds after which to try again.", {"type": "integer", "minimum": 0, "examples": [RETRY_AFTER]}
)
