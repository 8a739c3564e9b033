"""Handlers that run until they are told to stop, each with a way of its own to end, on the loop and in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from cqworker import Job, Reject, Retry, Snooze, Stopping, handler
from cqworker.errors import Unavailable
from tests.patience import Patience, scaled


def give_up(job: Job) -> Any:
    job.check()


def cancel_itself(_: Job) -> Any:
    raise asyncio.CancelledError


def return_half(_: Job) -> Any:
    return "half"


def say_finished(job: Job) -> Any:
    return job.finished("whole")


def fail(_: Job) -> Any:
    raise ValueError("a bug")


def ask_again(_: Job) -> Any:
    raise Retry("busy", after=7)


def snooze(_: Job) -> Any:
    raise Snooze("too early", after=7)


def reject(_: Job) -> Any:
    raise Reject("no use")


def miss_a_service(_: Job) -> Any:
    raise Unavailable("s3", "it does not answer", "wait")


def group_up(_: Job) -> Any:
    raise BaseExceptionGroup("out of a task group", [Stopping("drain"), asyncio.CancelledError()])


WAYS: dict[str, Callable[[Job], Any]] = {
    "gives up": give_up,
    "cancelled": cancel_itself,
    "gives up in a group": group_up,
    "returns": return_half,
    "finished": say_finished,
    "fails": fail,
    "retries": ask_again,
    "snoozes": snooze,
    "rejects": reject,
    "hindered": miss_a_service,
}


def on_the_loop(way: str, **options: Any) -> Any:
    """Waits to be cancelled, takes half a second more, and ends this way."""

    @handler(**options)
    async def work(payload: dict[str, Any], job: Job) -> Any:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)
            return WAYS[way](job)

    return work


def in_a_thread(way: str, **options: Any) -> Any:
    """Looks until it shall stop, and ends this way."""

    @handler(**options)
    def work(payload: dict[str, Any], job: Job) -> Any:
        waiting = Patience(20)
        while not job.stopping:
            assert not waiting.is_over, "nobody told it to stop"
            time.sleep(0.005)
        return WAYS[way](job)

    return work


def without_looking(way: str, release: threading.Event, **options: Any) -> Any:
    """A thread that never looks; it ends this way when it is released."""

    @handler(**options)
    def work(payload: dict[str, Any], job: Job) -> Any:
        release.wait(scaled(20))
        return WAYS[way](job)

    return work
