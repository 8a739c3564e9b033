"""Work of every executor that says when it begins; installed beside the daemons by `plugin.py`."""

from __future__ import annotations

import asyncio
import os
import time

from pydantic import BaseModel

from cqworker import Job, handler

JOURNAL = "STOPS_JOURNAL"


class Work(BaseModel):
    """How long it takes, in seconds."""

    seconds: float


def begin(job: Job) -> None:
    """One line, written in one call: lines of several processes do not mix (open(2), O_APPEND)."""
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(journal, f"{job.id}\n".encode())
    finally:
        os.close(journal)


@handler
async def coroutine(payload: Work, job: Job) -> None:
    """Sleeps on the handlers' loop."""
    begin(job)
    await asyncio.sleep(payload.seconds)


@handler
def thread(payload: Work, job: Job) -> None:
    """Sleeps in a thread, and leaves when it is asked to."""
    begin(job)
    end = time.monotonic() + payload.seconds
    while time.monotonic() < end and not job.stopping:
        time.sleep(0.02)


@handler(executor="process")
def child(payload: Work, job: Job) -> None:
    """Sleeps in a process of its own."""
    begin(job)
    time.sleep(payload.seconds)


TYPES = {"stops.async": coroutine, "stops.thread": thread, "stops.process": child}
