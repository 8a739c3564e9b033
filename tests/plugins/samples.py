"""Handlers that the tests run, in this process and in others."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cqworker import Job, Reject, Retry, Snooze, handler

Facts = dict[str, Any]
entered: list[str] = []


class Stubborn(Exception):
    """An error that cannot even be printed, nor pickled."""

    def __init__(self, first: int, second: int) -> None:
        self.lock = threading.Lock()

    def __str__(self) -> str:
        raise RuntimeError


@handler
async def on_the_loop(payload: Facts, job: Job) -> Facts:
    job.progress(1, 2, "half")
    await asyncio.sleep(0)
    return {"thread": threading.current_thread().name, "id": job.id, "attempt": job.attempt, "payload": payload}


@handler
def in_a_thread(payload: Facts, job: Job) -> Facts:
    reference = job.artifacts.write_sync(b"data", extension="bin", content_type="application/octet-stream")
    job.progress(2)
    return {
        "thread": threading.current_thread().name,
        "read": job.artifacts.read_sync(payload["source"]).data.decode(),
    } | {"wrote": reference}


@handler(executor="process")
def in_a_process(payload: Facts, job: Job) -> Facts:
    job.log.info("at work", payload=payload, count=1)
    ignores = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return {"pid": os.getpid(), "attempt": job.attempt, "tags": job.tags, "ignores_sigint": ignores}


@handler(executor="process")
async def a_coroutine_in_a_process(payload: int) -> int:
    await asyncio.sleep(0)
    return payload + 1


@handler(executor="process")
def ending_in_a_process(payload: str, job: Job) -> Any:
    job.log.warning("about to end")
    return ENDINGS[payload](job)


@handler(executor="process")
def sleeping_in_a_process(payload: int) -> None:
    time.sleep(payload)


def _raise(error: BaseException) -> Any:
    raise error


ENDINGS: dict[str, Any] = {
    "retry": lambda _: _raise(Retry("busy", after=3)),
    "snooze": lambda _: _raise(Snooze("early", after=5)),
    "reject": lambda _: _raise(Reject("never")),
    "error": lambda _: _raise(KeyError("lost")),
    "stubborn": lambda _: _raise(Stubborn(1, 2)),
    "exit": lambda _: sys.exit(7),
    "interrupt": lambda _: _raise(KeyboardInterrupt()),
    "memory": lambda _: _raise(MemoryError()),
    "set": lambda _: {1, 2},
    "nan": lambda _: float("nan"),
    "artifacts": lambda job: job.artifacts,
    "state": lambda job: job.state,
    "stopping": lambda job: job.stopping,
    "check()": lambda job: job.check(),
    "finished": lambda job: job.finished("whole"),
    "progress": lambda job: job.progress(1),
    "run_in_process": lambda job: job.run_in_process(abs, 1),
}


@asynccontextmanager
async def pool() -> AsyncIterator[str]:
    entered.append("opened")
    yield "the pool"
    entered.append("closed")


@handler(lifespan=pool)
async def with_a_lifespan(payload: int, job: Job) -> Any:
    return {"state": job.state, "entered": list(entered)}


@handler(timeout=0.05)
async def too_slow(payload: int) -> None:
    await asyncio.sleep(60)


@handler(timeout=600)
async def with_a_long_timeout(payload: int) -> None:
    await asyncio.sleep(60)


@handler
async def returning(payload: Any) -> Any:
    return {payload}
