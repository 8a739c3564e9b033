"""A description with payloads of every kind that pydantic makes schemas of: generators have to bear them, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, RootModel

from cqworker.plugins.handler import handler
from cqworker.plugins.registry import registry_from
from cqworker.settings import HttpSettings
from cqworker.web.openapi import ApiDocument, DocumentContext
from cqworker.web.routes import ROUTES


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


@dataclass
class Point:
    x: int
    y: int | None = None


class Pair(NamedTuple):
    left: int
    right: str = "x"


class Address(BaseModel):
    """Where somebody lives."""

    street: str = Field(title="Kind")
    kind: Literal["home", "work"] = Field(title="Kind", default="home")


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Tree(BaseModel):
    children: list[Tree] = []


class Addresses(RootModel[list[Address]]):
    pass


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    a: int


class Everything(BaseModel):
    pair: tuple[int, str]
    numbers: set[int]
    rooms: dict[str, list[Address]]
    at: datetime
    on: date
    clock: time
    after: timedelta
    key: UUID
    page: HttpUrl
    path: Path
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    price: Decimal = Decimal("1.5")
    raw: bytes = b""
    colour: Colour = Colour.RED
    maybe: Colour | None = None
    size: Size = Size.SMALL
    level: Literal[1, 2, 3] = 1
    mixed: Literal["a", 3] | None = None
    loose: int | str | list[int] = 3
    anything: Any = None
    named: str = Field(alias="na-med", default="x")
    word: str = Field(alias="class", default="y")
    plate: str = Field(pattern="^[A-Z]+$", default="A")
    share: float = Field(gt=0, lt=10, multiple_of=0.5, default=1.0)
    nested: dict[str, dict[str, int]] = {}
    rows: list[list[int]] = []
    home: Address = Address(street="s")
    blob: dict[str, Any] = {"a": {"b": 1}}


PAYLOADS: dict[str, Any] = {
    "everything": Everything, "point": Point, "pair": Pair, "addresses": Addresses, "open": Open, "tree": Tree,
    "text": str, "whole": int, "list": list[int], "perhaps": Address | None, "either": Address | Cat,
    "map": dict[str, int], "nothing": None, "any": Any, "words": Literal["a", "b"], "colour": Colour,
    "address": Address, "text.transform": Address, "text_transform": Address, "1st": Address, "größe": Address,
    "ask": Address, "view": Address,
}  # fmt: skip


def hard_description() -> bytes:
    """The description of a daemon with a job type for each of these payloads."""
    registry = registry_from({name: _taking(payload) for name, payload in PAYLOADS.items()})
    if registry.broken:
        raise ValueError(registry.broken[0].cause)
    return ApiDocument(ROUTES, "1", DocumentContext(registry, HttpSettings(), ("one", "another-1"))).text


def _taking(payload: Any) -> Callable[..., Any]:
    def handle(payload: Any) -> None:
        """Takes it."""

    handle.__annotations__["payload"] = payload
    return handler(handle)
