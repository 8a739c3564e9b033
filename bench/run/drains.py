"""Backlogs, laid ready and drained: the heart of every figure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.run.endpoint import Endpoint
from bench.run.figures import ASIDE, Drain
from bench.run.worker import Contestant, Running, WorkerFailed, come_to_rest, working

WARM_UP = 100
"""Jobs that go before: connections, caches and lookups are made by them."""
STUCK_SECONDS = 30.0
"""Seconds without any progress after which a worker is given up."""
STALL_SECONDS = 3.0
"""Seconds without progress after which the few last messages count as forgotten."""
UNDELETED_SHARE = 0.02
"""Share of jobs that may stay undeleted at the end, named in the table."""
POLL_SECONDS = 0.01
"""Seconds between two looks at what is left: the error of a measured drain."""
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
    before, idle_cpu = _cpu(staff), endpoint.counts().cpu_seconds
    endpoint.release(contestant.queue)
    seconds, unfinished = _wait_until_drained(endpoint, contestant.queue, staff, jobs, look)
    cpu, counts = _cpu(staff) - before, endpoint.counts()
    return Drain(
        who=contestant.name,
        load=load,
        concurrency=concurrency,
        jobs=jobs - unfinished,
        seconds=seconds,
        cpu=cpu,
        rss=sum(worker.usage.rss for worker in staff),
        unfinished=unfinished,
        endpoint_cpu=counts.cpu_seconds - idle_cpu,
        calls={name: count for name, count in counts.calls.items() if name not in ASIDE},
        write_units=counts.write_units,
        read_units=counts.read_units,
    )


def _wait_until_drained(
    endpoint: Endpoint, queue: str, staff: Sequence[Running], jobs: int, look: Look
) -> tuple[float, int]:
    """The seconds until the last message was deleted, and how many a worker forgot to delete (Celery's last ones)."""
    began = changed = time.monotonic()
    left = jobs
    while left:
        time.sleep(POLL_SECONDS)
        now_left, now = endpoint.left(queue), time.monotonic()
        if now_left != left:
            left, changed = now_left, now
            look(left)
        elif now - changed > (STALL_SECONDS if left <= jobs * UNDELETED_SHARE else STUCK_SECONDS):
            if left > jobs * UNDELETED_SHARE:
                raise WorkerFailed(f"nothing happened for {STUCK_SECONDS:g} s, {left} of {jobs} jobs are left")
            return changed - began, left
        for worker in staff:
            worker.check()
    return changed - began, 0


def _cpu(staff: Sequence[Running]) -> float:
    return sum(worker.usage.cpu for worker in staff)
