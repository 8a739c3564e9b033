"""The parameters and headers that the route table names."""

from __future__ import annotations

from cqworker.model.artifact_keys import MAX_NAME, NAME_PATTERN
from cqworker.model.job_limits import MAX_JOB_ID, MAX_WAIT
from cqworker.web import response_models
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
WAIT = Parameter(
    "wait",
    "query",
    "Seconds to wait for the job to be final, else 0.",
    {"type": "number", "format": "double", "minimum": 0, "maximum": MAX_WAIT},
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
