"""The OpenAPI 3.1 document, written from the route table and the models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from cqworker.web import problems
from cqworker.web.answers import ProblemView
from cqworker.web.call import Call, Parameter, Reply
from cqworker.web.problems import Kind

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = "Submit jobs, watch them, retry and cancel them. Everything is served under /api/v1, too."
Mode = Literal["validation", "serialization"]


class Description:
    """The document, written when it is asked for first."""

    def __init__(self, calls: Sequence[Call], version: str) -> None:
        self._calls = calls
        self._version = version

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole OpenAPI document; nobody may change it."""
        return _document(self._calls, self._version)


def _document(calls: Sequence[Call], version: str) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": "cqworker", "version": version, "description": DESCRIPTION, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(calls),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "Where configured."}},
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": call.name, "summary": call.summary}
    operation["security"] = [{"token": [call.scope]}] if call.scope else []
    if call.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in call.parameters]
    if call.body is not None:
        operation["requestBody"] = {"required": call.needs_body, "content": _content(call.body)}
    good = {str(status): _reply(reply) for status, reply in call.replies.items()}
    operation["responses"] = good | _problem_replies(call)
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _reply(reply: Reply) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": reply.description, "content": _content(reply.body)}
    if reply.headers:
        shown["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in reply.headers.items()
        }
    return shown


def _problem_replies(call: Call) -> dict[str, Any]:
    """One entry a status; a call that already answers this status with a body of its own keeps that."""
    kinds = (*call.problems, *((Kind.UNAUTHENTICATED, Kind.FORBIDDEN) if call.scope else ()), Kind.INTERNAL)
    content = {problems.CONTENT_TYPE: {"schema": {"$ref": REFERENCE.format(model=ProblemView.__name__)}}}
    words: dict[int, list[str]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.status):
        words.setdefault(kind.status, []).append(kind.title)
    return {
        str(status): {"description": ". ".join(titles) + ".", "content": content}
        for status, titles in words.items()
        if status not in call.replies
    }


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(body, str):
        return {body: {}}
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=body.__name__)}}}


def _schemas(calls: Sequence[Call]) -> dict[str, Any]:
    asks = {call.body for call in calls if isinstance(call.body, type)}
    answers = {reply.body for call in calls for reply in call.replies.values() if isinstance(reply.body, type)}
    models: list[tuple[type[BaseModel], Mode]] = [(model, "validation") for model in asks | answers | {ProblemView}]
    models.sort(key=lambda entry: entry[0].__name__)
    _, definitions = models_json_schema(models, ref_template=REFERENCE)
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas
