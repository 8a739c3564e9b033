"""The OpenAPI 3.1 document of one daemon, written from the route table, the models and the handlers it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from cqworker.jobs.submission_models import BatchAsk, BatchJobAsk, SubmitAsk
from cqworker.plugins.registry import Registry
from cqworker.settings import HttpSettings
from cqworker.web.openapi_operations import Bounds, operation, problem_examples
from cqworker.web.openapi_schemas import Schema, model_schemas, reference
from cqworker.web.payload_schemas import describe_types, one_of, variants
from cqworker.web.response_models import ProblemView
from cqworker.web.route_definition import Route

DESCRIPTION = """Submit jobs, watch them, retry and cancel them.

Everything but /healthz, /readyz and /metrics is served under /api/v1, too, and HEAD wherever GET is; any other method
is 405 with Allow. Whole numbers may be spelt 10, 10.0 or 1e1. Answers may get further members in a later version."""
TAGS = {
    "jobs": "Submit jobs, watch, retry and cancel them.",
    "operations": "Retry or cancel all jobs that a filter matches.",
    "artifacts": "Bytes that jobs read and write.",
    "handlers": "The job types.",
    "fleet": "The workers of all processes, and how the queues stand.",
    "worker": "The worker itself, and this API.",
}


@dataclass(frozen=True, slots=True)
class DocumentContext:
    """What the document depends on beside the route table: handlers, the settings of `[http]`, the queues' names."""

    registry: Registry
    http: HttpSettings
    queues: tuple[str, ...] = ()


DEFAULT_CONTEXT = DocumentContext(Registry(), HttpSettings())
"""A daemon with the settings that come with it, and without handlers."""


class ApiDocument:
    """The document, written when it is asked for first."""

    def __init__(self, routes: Sequence[Route], version: str, context: DocumentContext = DEFAULT_CONTEXT) -> None:
        self._calls = routes
        self._version = version
        self._around = context

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole OpenAPI document; it must not be changed."""
        return _document(self._calls, self._version, self._around)

    @cached_property
    def text(self) -> bytes:
        """The document as JSON; making it takes some 20 ms of processor time, once."""
        return orjson.dumps(self.document)


def _document(routes: Sequence[Route], version: str, context: DocumentContext) -> dict[str, Any]:
    bounds = Bounds.of(context.http)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, bounds)
    components: dict[str, Any] = {
        "schemas": _schemas(routes, context),
        "examples": problem_examples(routes, bounds),
    }
    if bounds.asks_for_tokens:
        scheme = {"type": "http", "scheme": "bearer", "description": "A token that the worker's configuration names."}
        components["securitySchemes"] = {"token": scheme}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cqworker",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "components": components,
    }


def _schemas(routes: Sequence[Route], context: DocumentContext) -> dict[str, Schema]:
    asks = {route.body for route in routes if isinstance(route.body, type)}
    answers = {reply.body for route in routes for reply in route.replies.values() if isinstance(reply.body, type)}
    schemas = model_schemas(asks | answers | {ProblemView, BatchJobAsk})
    if context.queues:
        _name_queues(schemas, context.queues)
    _add_type_variants(schemas, context.registry)
    return dict(sorted(schemas.items()))


def _name_queues(schemas: dict[str, Schema], queues: tuple[str, ...]) -> None:
    """A submission goes to a queue of this daemon; what is shown may have come from any."""
    schemas["QueueName"] = {"type": "string", "enum": list(queues), "description": "A queue of this daemon."}
    for ask in (SubmitAsk, BatchJobAsk):
        properties = schemas[ask.__name__]["properties"]
        properties["queue"]["anyOf"] = [reference("QueueName"), {"type": "null"}]


def _add_type_variants(schemas: dict[str, Schema], registry: Registry) -> None:
    """Puts a submission for each type in the place of the one that fits any; without types that one stays."""
    types = describe_types(registry)
    batch = schemas[BatchAsk.__name__]
    batch["properties"]["jobs"]["items"] = reference(BatchJobAsk.__name__)
    for ask, ending in ((SubmitAsk, "Submission"), (BatchJobAsk, "BatchJob")) if types else ():
        general = schemas[ask.__name__]
        schemas |= variants(general, ending, types)
        schemas[ask.__name__] = one_of(ending, types, general["description"])
    for one in types:
        schemas |= one.components
