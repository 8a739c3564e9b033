"""Where a worker spends its time: py-spy looks at it while it drains a long backlog."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Iterator

from bench.peers.venv import peers_venv
from bench.run.drains import WARM_UP, once
from bench.run.scenarios import BUSY, ScenarioContext
from bench.run.worker import WorkerFailed, working

SECONDS = 8
"""How long a profile is recorded."""
RATE = 250
"""Samples a second: py-spy itself must not become the load."""
TOP = 10
"""Functions that are listed."""
JOBS = 30_000
"""Enough for SECONDS of batched work."""
JOBS_OF_SLOW_WAYS = 6_000
"""Enough for SECONDS of single writes."""


def profile(context: ScenarioContext, way: str) -> Iterator[str]:
    """The functions in which most of the CPU time goes by, alone and with what they call."""
    programs, contestant = peers_venv(), context.product.contestant(way, BUSY)
    context.endpoint.hold(contestant.queue)
    stacks = context.folder / "stacks"
    jobs = JOBS if "batched" in way else JOBS_OF_SLOW_WAYS
    with working(contestant, context.endpoint, context.folder) as worker:
        once(context.endpoint, contestant, [worker], WARM_UP, "", BUSY)
        command = [str(programs / "py-spy"), "record", "--pid", str(worker.process.pid), "--format", "raw"]
        options = ["--duration", str(SECONDS), "--rate", str(RATE), "--output", str(stacks)]
        errors: list[str] = []

        def record() -> None:
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
            errors.append(done.stderr[-300:])

        watcher = threading.Thread(target=record)

        def look(left: int) -> None:
            if left < jobs and not watcher.is_alive() and not errors:
                watcher.start()

        found = once(context.endpoint, contestant, [worker], jobs, "no-op", BUSY, look)
        watcher.join()
    if not stacks.exists():
        raise WorkerFailed(f"py-spy recorded nothing: {errors}")
    yield f"{contestant.name}: {found.rate:.0f} jobs/s, {found.cpu_ms:.3f} ms of CPU a job (with py-spy beside it)"
    yield from tops(stacks.read_text(encoding="utf-8").splitlines())


def tops(stacks: Iterable[str]) -> Iterator[str]:
    """The functions that the samples were taken in most; each stack is a line of frames and a count."""
    alone, with_callees = Counter[str](), Counter[str]()
    for line in stacks:
        frames, _, samples = line.rpartition(" ")
        names = [_without_line(frame) for frame in frames.split(";")]
        alone[names[-1]] += int(samples)
        with_callees.update(dict.fromkeys(filter(_is_work, names), int(samples)))
    total = alone.total() or 1
    for title, counted in (("alone", alone), ("cqworker's own, with what they call", with_callees)):
        yield ""
        yield f"Top {TOP}, {title}"
        for name, samples_of in counted.most_common(TOP):
            yield f"  {samples_of / total:6.1%}  {name}"


def _is_work(name: str) -> bool:
    """Ours, and not the way down to the loop that everything runs on."""
    return "(cqworker/" in name and "/cli/" not in name and "__main__" not in name and "/daemon/" not in name


def _without_line(frame: str) -> str:
    """A frame without its line number: `_claim (cqworker/flow/claim.py:77)` and line 80 are one function."""
    name, _, line = frame.rpartition(":")
    return f"{name})" if name and line.rstrip(")").isdigit() else frame
