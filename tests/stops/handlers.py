"""Work of every executor that says when it begins; installed beside the daemons by `plugin.py`."""

from __future__ import annotations

import asyncio
import os
import time

from pydantic import BaseModel

from cqworker import Job, handler

JOURNAL = "STOPS_JOURNAL"
KEPT = "kept"
"""What stands in the journal for each answer that was kept back; every other word is the id of a job that began."""


class Work(BaseModel):
    """How long it takes, in seconds."""

    seconds: float


def note(word: str) -> None:
    """One line, written in one call: lines of several processes do not mix (open(2), O_APPEND)."""
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(journal, f"{word}\n".encode())
    finally:
        os.close(journal)


@handler
async def coroutine(payload: Work, job: Job) -> None:
    """Sleeps on the handlers' loop."""
    note(job.id)
    await asyncio.sleep(payload.seconds)


@handler
def thread(payload: Work, job: Job) -> None:
    """Sleeps in a thread, and leaves when it is asked to."""
    note(job.id)
    end = time.monotonic() + payload.seconds
    while time.monotonic() < end and not job.stopping:
        time.sleep(0.02)


@handler(executor="process")
def child(payload: Work, job: Job) -> None:
    """Sleeps in a process of its own."""
    note(job.id)
    time.sleep(payload.seconds)


TYPES = {"stops.async": coroutine, "stops.thread": thread, "stops.process": child}
