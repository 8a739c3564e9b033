"""Handlers that end for good in a process, in a module that costs a child little to import."""

from __future__ import annotations

from typing import Any

from cqworker import SourceRefused, handler
from cqworker.errors import InvalidPayload, PayloadFault

FORBIDDEN = "s3://somebody/elses.jpg"


@handler(executor="process")
def refused_in_a_process(payload: dict[str, Any]) -> None:
    raise SourceRefused(f"{FORBIDDEN} is refused")


@handler(executor="process")
def returning_in_a_process(payload: dict[str, Any]) -> Any:
    return {"answer": b"bytes"}


def unfit(_payload: object) -> None:
    """As a payload's model refuses what does not fit."""
    raise InvalidPayload((PayloadFault("/text", "too short"),))


@handler(executor="process")
def unfit_in_a_process(payload: dict[str, Any]) -> None:
    unfit(payload)
