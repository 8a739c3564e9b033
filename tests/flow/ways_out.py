"""Handlers that leave their loop for a child or a thread, theirs or a library's; a child imports little of it."""

from __future__ import annotations

from typing import Any

import anyio.to_process
import anyio.to_thread

from cqworker import Job, handler
from tests.flow.in_processes import in_a_process, pid_after

Payload = dict[str, Any]


@handler
async def in_a_child(payload: Payload, job: Job) -> int:
    return await job.run_in_process(pid_after, payload["seconds"])


@handler
def in_a_thread(payload: Payload) -> int:
    return pid_after(payload["seconds"])


@handler
async def in_a_library_s_process(payload: Payload) -> int:
    """As a plugin may do it."""
    return await anyio.to_process.run_sync(pid_after, payload["seconds"])


@handler
async def in_a_library_s_thread(payload: Payload) -> int:
    """As many libraries do it."""
    return await anyio.to_thread.run_sync(pid_after, payload["seconds"])


WAYS_OUT = [in_a_child, in_a_process, in_a_thread, in_a_library_s_process, in_a_library_s_thread]
