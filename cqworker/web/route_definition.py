"""A row of the route table: what drives the router drives the OpenAPI document and the scopes, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from cqworker.enums import Scope
from cqworker.web.host_guard import Answer
from cqworker.web.problems import Kind

Schema = Mapping[str, object]
Tag = Literal["jobs", "artifacts", "handlers", "worker"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something a call takes beside its body."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Header:
    """Something that an answer says beside its body."""

    description: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer: its body's model, or the media type of bytes; `headers` by name."""

    description: str
    body: type[BaseModel] | str
    headers: Mapping[str, Header] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method at one address.

    `scope` None admits everybody. `is_vital` calls are served by a worker without the API, and there without tokens;
    they have no place under the versioned prefix. `body` is a model or the media type of bytes. What a generator makes
    of the call it puts with others of the same `tag`, as a method called `name`.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    tag: Tag
    summary: str
    answer: Answer
    scope: Scope | None
    replies: Mapping[int, Reply]
    problems: tuple[Kind, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | str | None = None
    needs_body: bool = True
    is_vital: bool = False
