"""What both sides are given to do, each on an endpoint of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.compare.tree import Tree
from bench.compare.turns import Runner
from bench.run.drains import WARM_UP, once
from bench.run.endpoint import Endpoint, stop
from bench.run.loads import NAP, NOOP, Load
from bench.run.product import BATCHED, SINGLE, Product
from bench.run.scenarios import BUSY
from bench.run.submission import AT_ONCE
from bench.run.worker import READY_WITHIN, WorkerFailed, come_to_rest, until, working

LOW, REFILL = 3_000, 6_000
"""Jobs in the backlog below which more are laid, and how many: a receive never finds less than it asks for."""
SUBMISSIONS = 40_000
"""Jobs that a side submits at most: more than all of its turns take."""
UNCOUNTED_SUBMISSIONS = 2_000
"""Submissions that are not counted, lest a process ends in its turn."""


@dataclass(frozen=True, slots=True)
class Side:
    """A tree at work on an endpoint."""

    tree: Tree
    product: Product
    folder: Path

    def environment(self, way: str) -> dict[str, str]:
        """The variables of this tree's processes."""
        environment = self.product.environment(way, BUSY)
        return {**environment, "PYTHONPATH": f"{self.product.plugin}:{self.tree.folder}"}


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work: what reports call it, the way to AWS, and the jobs; None: jobs are submitted, not run."""

    name: str
    way: str
    load: Load | None

    @contextmanager
    def open_runner(self, side: Side) -> Iterator[Runner]:
        """The side's process, warmed up, with work before it."""
        act = _submitting(side, self.way) if self.load is None else _draining(side, self.way, self.load)
        with act as runner:
            yield runner


WORK = (
    Work("no-op, batched", BATCHED, NOOP),
    Work("no-op, single writes", SINGLE, NOOP),
    Work("50 ms, batched", BATCHED, NAP),
    Work("submit", BATCHED, None),
)


@contextmanager
def _draining(side: Side, way: str, load: Load) -> Iterator[Runner]:
    product, endpoint = side.product, side.product.endpoint
    contestant = replace(
        product.contestant(way, BUSY, load),
        command=[side.tree.python, "-m", "cqworker", "run", "--role", "worker", "--port", "0"],
        environment=side.environment(way),
        folder=side.tree.folder,
    )
    endpoint.hold(product.queue)
    with working(contestant, endpoint, side.folder) as worker:
        once(endpoint, contestant, [worker], WARM_UP, load.name, BUSY)
        laid = 0

        def feed() -> bool:
            nonlocal laid
            worker.check()
            if endpoint.left(product.queue) < LOW:
                contestant.lay(REFILL)
                laid += REFILL
            return True

        feed()
        yield Runner(worker.process.pid, lambda: laid - endpoint.left(product.queue), feed)
        endpoint.hold(product.queue)
        come_to_rest(worker)
        _purge(product)


@contextmanager
def _submitting(side: Side, way: str) -> Iterator[Runner]:
    product, endpoint = side.product, side.product.endpoint
    endpoint.hold(product.queue)
    endpoint.reset()
    command = [side.tree.python, "-m", "bench.run.submitting", str(SUBMISSIONS), str(AT_ONCE)]
    log = side.folder / "submitting.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=side.environment(way), cwd=side.tree.folder, stdout=output, stderr=subprocess.STDOUT
        )
    done = partial(_count_submitted, endpoint)

    def check() -> None:
        if process.poll() is not None:
            raise WorkerFailed(log.read_text(errors="replace")[-300:])

    try:
        until(lambda: done() > WARM_UP, check, READY_WITHIN)
        yield Runner(process.pid, done, lambda: done() < SUBMISSIONS - UNCOUNTED_SUBMISSIONS)
    finally:
        stop(process)
        _purge(product)


def _purge(product: Product) -> None:
    product.endpoint.call("AmazonSQS.PurgeQueue", {"QueueUrl": f"/{product.queue}"})


def _count_submitted(endpoint: Endpoint) -> int:
    return endpoint.counts().calls.get("PutItem", 0)
