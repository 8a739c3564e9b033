"""A worker process of whatever make, started on an endpoint and ended by its pid."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.run.endpoint import ROOT, STOP_WITHIN, Endpoint, stop
from bench.run.meter import Usage, usage

READY_WITHIN = 60.0
"""Seconds for a worker to do its first job; longer is a fault."""
QUIET = 0.05
"""Share of a core below which a worker has come to rest."""
WINDOW_SECONDS = 0.3
"""Over so many seconds a worker is measured to be at rest."""
SHOWN_CHARACTERS = 2_000
"""The end of a failed worker's log that is shown."""


class WorkerFailed(RuntimeError):
    """A worker did not start, or ended before its jobs did; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A worker that can be started: what tables call it, its queue, its command and where it runs, and how jobs get
    into the queue."""

    name: str
    queue: str
    command: Sequence[str]
    environment: Mapping[str, str]
    lay: Callable[[int], None]
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Running:
    """A worker at work."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def usage(self) -> Usage:
        """What it and its children have used so far."""
        return usage(self.process.pid)

    def check(self) -> None:
        """Raises WorkerFailed where it has ended."""
        if self.process.poll() is not None:
            raise WorkerFailed(self.log.read_text(encoding="utf-8", errors="replace")[-SHOWN_CHARACTERS:])


@contextmanager
def working(contestant: Contestant, endpoint: Endpoint, folder: Path) -> Iterator[Running]:
    """The worker, polling its queue and at rest; it is stopped at the end."""
    log = folder / f"{contestant.queue}-{time.monotonic_ns()}.log"
    before = endpoint.waiting(contestant.queue)
    with log.open("wb") as output:
        process = subprocess.Popen(
            contestant.command,
            env=dict(contestant.environment),
            cwd=contestant.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    worker = Running(process, log)
    try:
        until(lambda: endpoint.waiting(contestant.queue) > before, worker.check, READY_WITHIN)
        come_to_rest(worker)
        yield worker
    finally:
        _see_out(process, endpoint, contestant.queue)


def _see_out(process: subprocess.Popen[bytes], endpoint: Endpoint, queue: str) -> None:
    """Tells the worker to stop; its long polls are answered, for a good worker waits for what they bring."""
    process.terminate()
    deadline = time.monotonic() + STOP_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        endpoint.dismiss(queue)
        time.sleep(0.05)
    stop(process)


def come_to_rest(worker: Running) -> None:
    """Returns when the worker uses next to no CPU any more."""
    last, deadline = worker.usage.cpu, time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        worker.check()
        time.sleep(WINDOW_SECONDS)
        now = worker.usage.cpu
        if now - last < QUIET * WINDOW_SECONDS:
            return
        last = now


def until(condition: Callable[[], object], check: Callable[[], None], patience: float, pause: float = 0.01) -> None:
    """Waits until the condition holds; raises what `check` raises, and WorkerFailed when it does not come to."""
    deadline = time.monotonic() + patience
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise WorkerFailed(f"it did not come true within {patience:g} s")
        time.sleep(pause)
