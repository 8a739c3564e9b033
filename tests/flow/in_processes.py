"""Handlers in processes of their own, which import next to nothing there."""

from __future__ import annotations

import os
import time
from typing import Any

from cqworker import handler

Payload = dict[str, Any]


def pid_after(seconds: float) -> int:
    """The process it ran in, after a while."""
    time.sleep(seconds)
    return os.getpid()


@handler(executor="process", concurrency=8)
def in_a_process(payload: Payload) -> int:
    return pid_after(payload["seconds"])


@handler(executor="process")
def in_its_turn(payload: Payload) -> int:
    return pid_after(payload["seconds"])


@handler(executor="process", timeout=1.5)
def pid_at_once(payload: Payload) -> int:
    return os.getpid()
