"""Handlers that snooze their jobs for an hour, each where it runs: on the loop, in a thread, in processes."""

from __future__ import annotations

from typing import Any

from cqworker import Job, Snooze, handler

Payload = dict[str, Any]


def snooze_in_a_child() -> None:
    raise Snooze("too early", after=3600)


@handler
async def on_the_loop(payload: Payload) -> None:
    snooze_in_a_child()


@handler
def in_a_thread(payload: Payload) -> None:
    snooze_in_a_child()


@handler(executor="process")
def in_a_process(payload: Payload) -> None:
    snooze_in_a_child()


@handler
async def by_its_child(payload: Payload, job: Job) -> None:
    await job.run_in_process(snooze_in_a_child)


CHILDREN: dict[str, Any] = {
    "loop": on_the_loop,
    "thread": in_a_thread,
    "process": in_a_process,
    "child": by_its_child,
}
