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
from cqworker.web.problems import Kind, Problem
from cqworker.web.response_models import ProblemView
from cqworker.web.route_definition import Call, Header, Parameter, Reply

EVERYWHERE = (
    Kind.MALFORMED, Kind.CROSS_ORIGIN, Kind.EXPECTATION_FAILED, Kind.HEADERS_TOO_LARGE, Kind.INTERNAL, Kind.CROWDED,
)  # fmt: skip
"""What any call may meet before it is looked at, or by a fault of ours."""
OF_A_STATUS: Mapping[int, Mapping[str, Header]] = {
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


def operation(call: Call, bounds: Bounds) -> dict[str, Any]:
    """The call's operation object."""
    shown: dict[str, Any] = {"operationId": call.name, "tags": [call.tag], "summary": call.summary}
    if bounds.asks_for_tokens:
        shown["security"] = _security(call)
    if call.parameters:
        shown["parameters"] = [_parameter(parameter) for parameter in call.parameters]
    if call.body is not None:
        shown["requestBody"] = _request_body(call.body, call.needs_body, bounds)
    shown["responses"] = _responses(call, kinds_of(call, bounds))
    return shown


def kinds_of(call: Call, bounds: Bounds) -> tuple[Kind, ...]:
    """The problems that this call can end with."""
    kinds = {*call.problems, *EVERYWHERE}
    if bounds.asks_for_tokens and call.scope:
        kinds |= {Kind.UNAUTHENTICATED, Kind.FORBIDDEN}
    if bounds.is_of_this_machine:
        kinds.add(Kind.MISDIRECTED)
    return tuple(kind for kind in Kind if kind in kinds)


def problem_examples(calls: Sequence[Call], bounds: Bounds) -> dict[str, Any]:
    """A problem document of each kind that any of these calls can end with, by its slug."""
    kinds = {kind for call in calls for kind in kinds_of(call, bounds)}
    return {
        kind.slug: {"summary": kind.title, "value": Problem(kind, f"{kind.title}.").body()}
        for kind in Kind
        if kind in kinds
    }


def _security(call: Call) -> list[dict[str, list[str]]]:
    """A call for everybody that tells those who may read more takes a token, too."""
    if call.scope:
        return [{"token": [call.scope]}]
    return [{}, {"token": ["read"]}] if call.is_vital else []


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


def _responses(call: Call, kinds: Sequence[Kind]) -> dict[str, Any]:
    """By status; where a call answers one with a body of its own, a problem may come in its place."""
    responses = {status: _reply(reply) for status, reply in call.replies.items()}
    for status in sorted({kind.status for kind in kinds}):
        refusal = _refusal(status, [kind for kind in kinds if kind.status == status])
        if status in responses:
            responses[status]["content"] |= refusal["content"]
        else:
            responses[status] = refusal
    return {str(status): responses[status] for status in sorted(responses)}


def _reply(reply: Reply) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": reply.description, "content": _content(reply.body)}
    if reply.headers:
        shown["headers"] = _headers(reply.headers)
    return shown


def _refusal(status: int, kinds: Sequence[Kind]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds) + ".",
        "content": {
            problems.CONTENT_TYPE: {
                "schema": reference(ProblemView.__name__),
                "examples": {kind.slug: {"$ref": EXAMPLES.format(slug=kind.slug)} for kind in kinds},
            }
        },
    }
    if headers := OF_A_STATUS.get(status):
        shown["headers"] = _headers(headers)
    return shown


def _headers(headers: Mapping[str, Header]) -> dict[str, Any]:
    return {
        name: {"description": header.description, "required": True, "schema": dict(header.schema)}
        for name, header in headers.items()
    }


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    if body == BYTES:
        return {BYTES: {"schema": dict(BINARY)}, "*/*": {"schema": dict(BINARY)}}
    if isinstance(body, str):
        return {body: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": reference(body.__name__)}}
