"""A row of the route table, which drives the router, the scopes and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from cqworker.enums import Scope
from cqworker.web.host_guard import Endpoint
from cqworker.web.problems import ProblemKind

Schema = Mapping[str, object]
Tag = Literal["jobs", "operations", "artifacts", "handlers", "fleet", "worker"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route beside its body."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer, in each of them where it is `required`."""

    description: str
    schema: Schema
    required: bool = True


@dataclass(frozen=True, slots=True)
class RouteReply:
    """A successful answer: its body's model, or the media type of bytes; `headers` by name."""

    description: str
    body: type[BaseModel] | str
    headers: Mapping[str, Header] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one address.

    `scope` None admits everybody. `is_vital` routes (health, metrics) are served by a worker without the API too, and
    there without tokens; they are not under the versioned prefix. `body` is a model or the media type of bytes.
    Generators of clients make a method called `name` of the route, beside others of the same `tag`.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    tag: Tag
    summary: str
    endpoint: Endpoint
    scope: Scope | None
    replies: Mapping[int, RouteReply]
    problems: tuple[ProblemKind, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | str | None = None
    needs_body: bool = True
    is_vital: bool = False
