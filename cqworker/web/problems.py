"""Errors as people and programs read them: application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING

import orjson

from cqworker.model.json_pointer import Fault

if TYPE_CHECKING:
    from aiohttp import web

CONTENT_TYPE = "application/problem+json"
URN = "urn:cqworker:problem:"
"""What the type of every problem begins with."""
RETRY_AFTER = 5
"""Seconds after which a client may try again when something was away or crowded."""


class ProblemKind(Enum):
    """The problem types: the name that ends the type URI, the status, and the title that is always the same."""

    MALFORMED = ("malformed-request", 400, "The request cannot be read")
    LISTING_REFUSED = ("listing-refused", 400, "Jobs cannot be listed so")
    UNAUTHENTICATED = ("unauthenticated", 401, "A valid token is needed")
    FORBIDDEN = ("forbidden", 403, "The token does not allow this")
    CROSS_ORIGIN = ("cross-origin", 403, "Web pages of other sites are not served")
    NOT_FOUND = ("not-found", 404, "There is nothing at this address")
    JOB_NOT_FOUND = ("job-not-found", 404, "There is no such job")
    WORKER_NOT_FOUND = ("worker-not-found", 404, "There is no such worker alive")
    ARTIFACT_NOT_FOUND = ("artifact-not-found", 404, "There is no such artifact")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "This address does not take this method")
    TOO_SLOW = ("request-too-slow", 408, "The request took too long to arrive")
    NOT_ALLOWED_NOW = ("not-allowed-now", 409, "The job's status does not admit this")
    DUPLICATE = ("duplicate-job", 409, "A job with this unique key is there already")
    NOT_PROVISIONED = ("not-provisioned", 409, "The table lacks an index that this needs")
    TOO_LARGE = ("too-large", 413, "That is more than is taken")
    ARTIFACT_TOO_LARGE = ("artifact-too-large", 413, "The artifact is more than is served")
    MEDIA_TYPE = ("unsupported-media-type", 415, "The body is of another type than is taken")
    EXPECTATION_FAILED = ("expectation-failed", 417, "The Expect header asks for something unknown")
    MISDIRECTED = ("misdirected", 421, "This server does not answer to that host name")
    INVALID = ("invalid-request", 422, "The request does not fit")
    UNKNOWN_TYPE = ("unknown-type", 422, "No handler has this job type")
    UNKNOWN_QUEUE = ("unknown-queue", 422, "No queue has this name")
    PAUSE_REFUSED = ("pause-refused", 422, "The queue cannot stand still for so long")
    LIMIT_REFUSED = ("limit-refused", 422, "The limit cannot be so")
    INVALID_PAYLOAD = ("invalid-payload", 422, "The payload does not fit the job type")
    KEY_REUSED = ("idempotency-key-reused", 422, "The Idempotency-Key belongs to another request")
    RATE_LIMITED = ("rate-limited", 429, "More is submitted than the rate allows")
    HEADERS_TOO_LARGE = ("headers-too-large", 431, "The head of the request is too long")
    INTERNAL = ("internal", 500, "Something went wrong inside cqworker")
    UNAVAILABLE = ("unavailable", 503, "A service that is needed does not do its part")
    QUEUE_DRAINING = ("queue-draining", 503, "The queue takes no new jobs now")
    SEND_UNANSWERED = ("send-unanswered", 503, "An answer was lost, so the job may run")
    CROWDED = ("crowded", 503, "Too many requests at once")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title


class Problem(Exception):
    """An answer that says what was wrong and how to mend it; `members` are extension members (RFC 9457, 3.2)."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors: tuple[Fault, ...] = tuple(errors)
        self.members: dict[str, object] = dict(members or {})
        self.headers: dict[str, str] = dict(headers or {})
        if kind.status == 503:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER))

    def __reduce__(self) -> tuple[object, ...]:
        """A child process may have found it; an exception alone would forget all but its text."""
        return _problem, (self.kind, self.detail, self.errors, self.headers, self.members)

    def body(self) -> dict[str, object]:
        """The problem as JSON-able data."""
        shown: dict[str, object] = {
            "type": f"{URN}{self.kind.slug}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            shown["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.errors]
        return shown | self.members

    def response(self) -> web.Response:
        """The problem as an answer."""
        from aiohttp import web  # the client knows the kinds without it, and so do child processes

        body = orjson.dumps(self.body())
        return web.Response(status=self.kind.status, body=body, content_type=CONTENT_TYPE, headers=self.headers)


def _problem(
    kind: ProblemKind,
    detail: str,
    errors: Sequence[Fault],
    headers: Mapping[str, str],
    members: Mapping[str, object],
) -> Problem:
    return Problem(kind, detail, errors=errors, headers=headers, members=members)
