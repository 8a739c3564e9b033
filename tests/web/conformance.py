"""Holds every answer that a house gives against the description of the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import orjson
from aiohttp import web
from openapi_schema_validator import OAS31Validator

from cqworker.plugins.registry import Registry
from cqworker.settings import HttpSettings
from cqworker.web.application import SERVED_METHODS, VERSIONED
from cqworker.web.openapi import ApiDocument, DocumentContext
from cqworker.web.problems import CONTENT_TYPE as PROBLEM
from cqworker.web.problems import URN
from cqworker.web.routes import ROUTES
from tests.web.tokens import A_TOKEN

LONGEST = 20_000
"""Bytes of the longest body that is looked into: judging costs as much as answering, and tests count that."""


@lru_cache
def described(host: str = "127.0.0.1", *, has_tokens: bool = False) -> dict[str, Any]:
    """The description of a daemon on this host."""
    http = HttpSettings(host=host, tokens=(A_TOKEN,) if has_tokens else ())
    return ApiDocument(ROUTES, "1", DocumentContext(Registry(), http)).document


@lru_cache
def validator(name: str) -> Any:
    """What judges values by the schema of this component."""
    return OAS31Validator({"$ref": f"#/components/schemas/{name}", "components": described()["components"]})


def judge_of(http: HttpSettings, lapses: list[str]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A signal of an application that notes every lapse of its answers."""

    async def judge(request: web.Request, response: web.StreamResponse) -> None:
        if (found := lapse(request, response, http)) is not None:
            lapses.append(found)

    return judge


def lapse(request: web.Request, response: web.StreamResponse, http: HttpSettings) -> str | None:
    """What an answer has that the description does not say; None where it is as described."""
    if request.transport is None:
        return None  # nobody is left to read it
    resource = request.match_info.route.resource
    if resource is None:
        return None if response.content_type == PROBLEM else f"{response.status} without an address is no problem"
    path = resource.canonical.removeprefix(VERSIONED) or "/"
    at = f"{request.method} {path} {response.status}"
    methods = described(http.host, has_tokens=bool(http.tokens))["paths"][path]
    operation = next((methods[name] for name in methods if request.method in SERVED_METHODS[name.upper()]), None)
    if operation is None:
        return None if response.status in (400, 403, 405, 421) else f"{at}: no such method is described"
    reply = operation["responses"].get(str(response.status))
    if reply is None:
        return f"{at} is not described"
    for name, header in reply.get("headers", {}).items():
        if (
            header["required"]
            and name not in response.headers
            and response.content_type == next(iter(reply["content"]))
        ):
            return f"{at} lacks {name}"
    media = reply["content"].get(response.content_type) or reply["content"].get("*/*")
    if media is None:
        return f"{at} is {response.content_type}"
    if (kind := _kind_of(response)) not in (None, *media.get("examples", ())):
        return f"{at} is {kind}, which the call does not declare"
    return _misfit(at, media["schema"], response)


def _kind_of(response: web.StreamResponse) -> str | None:
    """The slug of an answered problem, None where the answer is none."""
    if response.content_type != PROBLEM or not isinstance(response, web.Response):
        return None
    assert isinstance(response.body, bytes)
    return str(orjson.loads(response.body)["type"]).removeprefix(URN)


def _misfit(at: str, schema: dict[str, Any], response: web.StreamResponse) -> str | None:
    if "$ref" not in schema or not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return None
    if len(response.body) > LONGEST:
        return None
    judge = validator(schema["$ref"].rpartition("/")[2])
    faults = [f"{error.json_path}: {error.message[:200]}" for error in judge.iter_errors(orjson.loads(response.body))]
    return f"{at}: {faults}" if faults else None
