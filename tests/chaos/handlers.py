"""The job types of the chaos runs: honest ones that write what they do down, and some that misbehave."""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from cqworker import Backoff, Job, Reject, handler
from tests.chaos import journal

QUICK = Backoff(first=0.2, factor=2.0, cap=1.0)
KILLER_ATTEMPTS = 3


class Work(BaseModel):
    """How long to work, how many attempts fail, whether the job is refused, how many bytes its result has, its key."""

    seconds: float = 0.0
    fails: int = 0
    reject: bool = False
    bulk: int = 0
    key: str = ""


class Nothing(BaseModel):
    """No payload."""


@contextmanager
def noted(job: Job) -> Iterator[str]:
    """Notes the start and the last line of a run around the block."""
    run = secrets.token_hex(4)
    journal.note("start", job.id, job.attempt, run)
    try:
        yield run
    except Exception:
        journal.note("raise", job.id, job.attempt, run)
        raise
    except BaseException:
        journal.note("stop", job.id, job.attempt, run)
        raise
    journal.note("end", job.id, job.attempt, run)


def outcome(work: Work, job: Job, run: str) -> dict[str, object]:
    """The effect, unless this attempt is to fail; the result says whose it is."""
    if work.reject:
        raise Reject("as asked")
    if job.attempt <= work.fails:
        raise RuntimeError(f"attempt {job.attempt} fails as asked")
    journal.note("effect", job.id, job.attempt, run)
    return {"run": run, "attempt": job.attempt, "bulk": "x" * work.bulk}


@handler(timeout=120, max_attempts=20, backoff=QUICK)
async def work(payload: Work, job: Job) -> dict[str, object]:
    """Honest work on the handlers' loop."""
    with noted(job) as run:
        await asyncio.sleep(payload.seconds)
        return outcome(payload, job, run)


@handler(timeout=120, max_attempts=20, backoff=QUICK, limits="key")
async def work_by_key(payload: Work, job: Job) -> dict[str, object]:
    """Honest work that limits count by its key."""
    with noted(job) as run:
        await asyncio.sleep(payload.seconds)
        return outcome(payload, job, run)


@handler(timeout=120, max_attempts=20, backoff=QUICK)
def work_in_thread(payload: Work, job: Job) -> dict[str, object]:
    """Honest work in a thread, which looks whether it should stop."""
    with noted(job) as run:
        until = time.monotonic() + payload.seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(0.05, left))
            if job.stopping:
                raise asyncio.CancelledError
        return outcome(payload, job, run)


@handler(timeout=120, max_attempts=20, backoff=QUICK, executor="process")
def work_in_process(payload: Work, job: Job) -> dict[str, object]:
    """Honest work in a process of its own."""
    with noted(job) as run:
        time.sleep(payload.seconds)
        return outcome(payload, job, run)


@handler(timeout=120, max_attempts=2)
async def block(payload: Work, job: Job) -> str:
    """Blocks the handlers' loop."""
    with noted(job):
        time.sleep(payload.seconds)  # noqa: ASYNC251 - the very fault
        return "blocked"


@handler(timeout=1, max_attempts=1)
async def ignore_cancel(payload: Work, job: Job) -> str:
    """Does not stop when it is told to."""
    with noted(job):
        until = time.monotonic() + payload.seconds
        while time.monotonic() < until:
            try:
                await asyncio.sleep(until - time.monotonic())
            except asyncio.CancelledError:
                journal.note("deaf", job.id, job.attempt, "-")
        return "at last"


@handler(max_attempts=2, backoff=QUICK)
async def exit_loop(_: Nothing, job: Job) -> None:
    """Ends the interpreter in a task of its own, or tries to."""

    async def leave() -> None:
        sys.exit(3)

    with noted(job):
        await asyncio.gather(leave(), asyncio.sleep(0.1))


@handler(max_attempts=2, backoff=QUICK)
def exit_thread(_: Nothing, job: Job) -> None:
    """The same in a thread."""
    with noted(job):
        raise SystemExit(3)


@handler(max_attempts=2, backoff=QUICK, executor="process")
def exit_process(_: Nothing, job: Job) -> None:
    """Leaves its process without a word."""
    with noted(job) as run:
        journal.note("fall", job.id, job.attempt, run)
        os._exit(3)


@handler(max_attempts=2, backoff=QUICK, executor="process")
def segfault(_: Nothing, job: Job) -> None:
    """Reads where nothing is."""
    with noted(job) as run:
        journal.note("fall", job.id, job.attempt, run)
        ctypes.string_at(0)


@handler(max_attempts=1, executor="process", memory=64)
def eat_memory(_: Nothing, job: Job) -> int:
    """Wants more memory than it may have."""
    with noted(job):
        return len(bytearray(1 << 30))


@handler(max_attempts=KILLER_ATTEMPTS, backoff=QUICK)
async def kill_worker(_: Nothing, job: Job) -> None:
    """Takes the whole worker process along."""
    with noted(job):
        os.kill(os.getpid(), signal.SIGKILL)


TYPES = {
    "chaos.work": work,
    "chaos.keyed": work_by_key,
    "chaos.thread": work_in_thread,
    "chaos.process": work_in_process,
    "chaos.block": block,
    "chaos.ignore-cancel": ignore_cancel,
    "chaos.exit-loop": exit_loop,
    "chaos.exit-thread": exit_thread,
    "chaos.exit-process": exit_process,
    "chaos.segfault": segfault,
    "chaos.eat-memory": eat_memory,
    "chaos.kill-worker": kill_worker,
}
