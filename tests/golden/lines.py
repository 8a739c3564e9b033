"""Lines of the log: of a few jobs' lives as a worker writes them, and of every event there is."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from cqworker import Job, Reject, Retry, handler
from cqworker.events import Event, JobEvent
from cqworker.observe.log import LogObserver, configure
from cqworker.settings import LogSettings
from tests.flow.world import World, story
from tests.observe.samples import EVENT_CLASSES, sample_of

MEASURED = re.compile(r'("(?:timestamp|waited|seconds)":)("[^"]+"|[0-9.e-]+)')
"""What is measured; virtual time, too, counts the turns of a loop, of which each Python takes its own number."""


def lines_of_a_life() -> Iterator[str]:
    """One job is tried again and succeeds, one is rejected, one is cancelled before its start."""
    events: list[Event] = []

    @handler
    async def work(payload: dict[str, Any], job: Job) -> str:
        if payload.get("reject"):
            raise Reject("there is nothing to do")
        if job.attempt == 1:
            raise Retry("not yet", after=5)
        return "done"

    @story
    async def live() -> None:
        world = World({"text.transform": work})
        world.start()
        for payload, options in (("{}", {"idempotency_key": "k"}), ('{"reject":true}', {})):
            await world.until(await world.submit("text.transform", payload, **options))
        await world.submit("text.transform", "{}", idempotency_key="k")
        await world.operator.cancel(await world.submit("text.transform", delay_seconds=60), None)
        await world.stop()
        events.extend(event for event in world.events if isinstance(event, JobEvent))

    live()
    names: dict[str, str] = {}
    for event in events:
        if isinstance(event, JobEvent):
            number = names.setdefault(event.job.job_id, f"job-{len(names) // 2 + 1}")
            names.setdefault(event.job.trace_id, f"trace-of-{number}")
    for line in _lines(events, "info"):
        yield re.sub("|".join(names), lambda found: names[found[0]], line)


def lines_of_every_event() -> Iterator[str]:
    """An event of each class, at level debug."""
    return _lines((sample_of(kind) for kind in sorted(EVENT_CLASSES, key=lambda kind: kind.__name__)), "debug")


def _lines(events: Iterable[Event], level: str) -> Iterator[str]:
    stream = io.BytesIO()
    settings = LogSettings.model_validate({"format": "json", "level": level})
    with closing(configure(settings, "host.abcdef:1", stream)) as log:
        write = LogObserver(log)
        for event in events:
            write(event)
    for line in stream.getvalue().decode().splitlines(keepends=True):
        yield MEASURED.sub(r'\1"…"', line)
