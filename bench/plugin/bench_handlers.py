"""Handlers that do next to nothing: what remains is the cost of running them."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from cqworker import Job, handler


class Text(BaseModel):
    """A small payload."""

    text: str


class Nap(BaseModel):
    """How long to sleep."""

    seconds: float


@handler(timeout=300)
async def noop(payload: Text, job: Job) -> dict[str, int]:  # noqa: ARG001 - a handler takes both
    """Measures its text."""
    return {"length": len(payload.text)}


@handler(timeout=600)
async def nap(payload: Nap, job: Job) -> dict[str, float]:  # noqa: ARG001 - a handler takes both
    """Sleeps."""
    await asyncio.sleep(payload.seconds)
    return {"slept": payload.seconds}
