"""Backlogs, laid ready and drained: the heart of every figure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.run.endpoint import Endpoint
from bench.run.figures import ASIDE, Drain
from bench.run.worker import Contestant, Running, come_to_rest, until, working

WARM_UP = 100
"""Jobs that go before: connections, caches and lookups are made by them."""
PATIENCE = 300.0
Look = Callable[[int], None]


def drain(
    endpoint: Endpoint, contestant: Contestant, folder: Path, jobs: int, load: str, concurrency: int, workers: int = 1
) -> Drain:
    """So many jobs through fresh workers that were warmed up."""
    with ExitStack() as stack:
        endpoint.hold(contestant.queue)
        staff = [stack.enter_context(working(contestant, endpoint, folder)) for _ in range(workers)]
        once(endpoint, contestant, staff, WARM_UP * workers, load, concurrency)
        return once(endpoint, contestant, staff, jobs, load, concurrency)


def once(
    endpoint: Endpoint,
    contestant: Contestant,
    staff: Sequence[Running],
    jobs: int,
    load: str,
    concurrency: int,
    look: Look = lambda _: None,
) -> Drain:
    """One backlog through workers that run; `look` is called with the jobs left, again and again."""
    endpoint.hold(contestant.queue)
    contestant.lay(jobs)
    for worker in staff:
        come_to_rest(worker)
    endpoint.reset()
    before, began = _cpu(staff), time.monotonic()
    idle_cpu = endpoint.counts().cpu_seconds
    endpoint.release(contestant.queue)

    def drained() -> bool:
        left = endpoint.left(contestant.queue)
        look(left)
        return left == 0

    def check() -> None:
        for worker in staff:
            worker.check()

    until(drained, check, PATIENCE)
    seconds, cpu, counts = time.monotonic() - began, _cpu(staff) - before, endpoint.counts()
    return Drain(
        who=contestant.name,
        load=load,
        concurrency=concurrency,
        jobs=jobs,
        seconds=seconds,
        cpu=cpu,
        rss=sum(worker.usage.rss for worker in staff),
        endpoint_cpu=counts.cpu_seconds - idle_cpu,
        calls={name: count for name, count in counts.calls.items() if name not in ASIDE},
        write_units=counts.write_units,
        read_units=counts.read_units,
    )


def _cpu(staff: Sequence[Running]) -> float:
    return sum(worker.usage.cpu for worker in staff)
