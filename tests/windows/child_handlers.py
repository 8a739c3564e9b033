"""A handler for a process."""

from __future__ import annotations

from cqworker import handler


@handler(executor="process")
def in_a_process(payload: dict[str, int]) -> int:
    return payload["n"]
