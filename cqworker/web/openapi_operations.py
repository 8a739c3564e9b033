"""One call as an OpenAPI operation: what it takes, and every answer that it can give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from cqworker.jobs.strict_json import MAX_DEPTH
from cqworker.settings import HttpSettings, is_loopback
from cqworker.web import problems
from cqworker.web.openapi_schemas import Schema, reference
from cqworker.web.parameters import BYTES, CHALLENGE, RETRY_AFTER_HEADER
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.response_models import ProblemView
from cqworker.web.route_definition import Header, Parameter, Route, RouteReply

COMMON_PROBLEMS = (
    ProblemKind.MALFORMED,
    ProblemKind.CROSS_ORIGIN,
    ProblemKind.EXPECTATION_FAILED,
    ProblemKind.HEADERS_TOO_LARGE,
    ProblemKind.INTERNAL,
    ProblemKind.CROWDED,
)
"""What any route may answer: before the request is looked at, or by a fault of ours."""
STATUS_HEADERS: Mapping[int, Mapping[str, Header]] = {
    401: {"WWW-Authenticate": CHALLENGE},
    429: {"Retry-After": RETRY_AFTER_HEADER},
    503: {"Retry-After": RETRY_AFTER_HEADER},
}
EXAMPLES = "#/components/examples/{slug}"
BINARY: Schema = {"type": "string", "format": "binary", "contentMediaType": BYTES}
"""Bytes: OpenAPI 3.1 says so by `contentMediaType`, and generators look for `format`; they drop what has no type.

Nothing bounds them here: some generators would take a file's length for a text's and write what does not compile."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the settings make of every call: who may come, and how much they may bring."""

    max_body: int
    max_upload: int
    asks_for_tokens: bool
    is_of_this_machine: bool

    @classmethod
    def of(cls, http: HttpSettings) -> Bounds:
        """Those of these settings."""
        return cls(http.max_body, http.max_upload, bool(http.tokens), is_loopback(http.host))


def operation(route: Route, bounds: Bounds) -> dict[str, Any]:
    """The call's operation object."""
    shown: dict[str, Any] = {"operationId": route.name, "tags": [route.tag], "summary": route.summary}
    if bounds.asks_for_tokens:
        shown["security"] = _security(route)
    if route.parameters:
        shown["parameters"] = [_parameter(parameter) for parameter in route.parameters]
    if route.body is not None:
        shown["requestBody"] = _request_body(route.body, route.needs_body, bounds)
    shown["responses"] = _responses(route, kinds_of(route, bounds))
    return shown


def kinds_of(route: Route, bounds: Bounds) -> tuple[ProblemKind, ...]:
    """The problems that this call can end with."""
    kinds = {*route.problems, *COMMON_PROBLEMS}
    if bounds.asks_for_tokens and route.scope:
        kinds |= {ProblemKind.UNAUTHENTICATED, ProblemKind.FORBIDDEN}
    if bounds.is_of_this_machine:
        kinds.add(ProblemKind.MISDIRECTED)
    return tuple(kind for kind in ProblemKind if kind in kinds)


def problem_examples(routes: Sequence[Route], bounds: Bounds) -> dict[str, Any]:
    """A problem document of each kind that any of these calls can end with, by its slug."""
    kinds = {kind for route in routes for kind in kinds_of(route, bounds)}
    return {
        kind.slug: {"summary": kind.title, "value": Problem(kind, f"{kind.title}.").body()}
        for kind in ProblemKind
        if kind in kinds
    }


def _security(route: Route) -> list[dict[str, list[str]]]:
    """A call for everybody that tells those who may read more takes a token, too."""
    if route.scope:
        return [{"token": [route.scope]}]
    return [{}, {"token": ["read"]}] if route.is_vital else []


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _request_body(body: type[BaseModel] | str, is_needed: bool, bounds: Bounds) -> dict[str, Any]:
    if isinstance(body, str):
        described = f"1 to {bounds.max_upload} bytes as they are, no form. They keep the type that Content-Type says."
        return {"required": is_needed, "description": described, "content": {body: {"schema": dict(BINARY)}}}
    described = f"At most {bounds.max_body} bytes of UTF-8, nested {MAX_DEPTH} levels at most."
    return {"required": is_needed, "description": described, "content": _content(body)}


def _responses(route: Route, kinds: Sequence[ProblemKind]) -> dict[str, Any]:
    """By status; where a call answers one with a body of its own, a problem may come in its place."""
    responses = {status: _reply(reply) for status, reply in route.replies.items()}
    for status in sorted({kind.status for kind in kinds}):
        refusal = _refusal(status, [kind for kind in kinds if kind.status == status])
        if status in responses:
            responses[status]["content"] |= refusal["content"]
        else:
            responses[status] = refusal
    return {str(status): responses[status] for status in sorted(responses)}


def _reply(reply: RouteReply) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": reply.description, "content": _content(reply.body)}
    if reply.headers:
        shown["headers"] = _headers(reply.headers)
    return shown


def _refusal(status: int, kinds: Sequence[ProblemKind]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds) + ".",
        "content": {
            problems.CONTENT_TYPE: {
                "schema": reference(ProblemView.__name__),
                "examples": {kind.slug: {"$ref": EXAMPLES.format(slug=kind.slug)} for kind in kinds},
            }
        },
    }
    if headers := STATUS_HEADERS.get(status):
        shown["headers"] = _headers(headers)
    return shown


def _headers(headers: Mapping[str, Header]) -> dict[str, Any]:
    return {
        name: {"description": header.description, "required": header.required, "schema": dict(header.schema)}
        for name, header in headers.items()
    }


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    if body == BYTES:
        return {BYTES: {"schema": dict(BINARY)}, "*/*": {"schema": dict(BINARY)}}
    if isinstance(body, str):
        return {body: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": reference(body.__name__)}}
