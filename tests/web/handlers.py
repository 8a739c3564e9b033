"""What the desk's tests submit jobs for: a child that reads a long body imports this, and little else."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from cqworker.plugins.handler import handler


class Transform(BaseModel):
    text: str


@handler
async def transform(payload: Transform) -> dict[str, object]:
    """Says it louder."""
    return {"uppercase": payload.text.upper()}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str


@handler
async def strict(payload: Strict) -> None:
    """Takes nothing but a text."""


@handler
async def choosy(payload: list[int | Literal["a", "b"] | list[str]]) -> None:
    """Tries three types for each value."""


class Endless(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def _never_ends(cls, text: str) -> str:
        """As an expression does that tries every way to match."""
        while text:
            text += ""
        return text


@handler
async def endless(payload: Endless) -> None:
    """Nobody gets as far as this."""


@handler
async def anything(payload: object) -> None:
    """Takes whatever it is given."""
