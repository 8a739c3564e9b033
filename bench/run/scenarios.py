"""What is measured besides drains: latency, idleness, sleeping jobs, memory, backlogs, a second worker."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.run.drains import WARM_UP, drain, once
from bench.run.endpoint import Endpoint
from bench.run.figures import Drain, Idle, Latency, Memory, Sleepers, percentile, slope
from bench.run.loads import NOOP, job_of, lay, sleep_of
from bench.run.product import Product
from bench.run.worker import Contestant, Running, come_to_rest, until, working

GIVE_UP_SECONDS = 60.0
"""Seconds without progress after which a scenario fails."""
SLEEPERS_VISIBILITY = 30
"""Seconds; leases are renewed at a third of it."""
SMALL_BACKLOG = 1_000
"""Jobs of the drain that a long one is compared with."""
SMALL_TIMES = 5
"""Small drains, of which the middle one counts."""
BUSY = 100
"""Jobs at once where a scenario does not vary it."""


@dataclass(frozen=True, slots=True)
class ScenarioContext:
    """Where scenarios take place."""

    endpoint: Endpoint
    product: Product
    folder: Path


def latency(context: ScenarioContext, contestant: Contestant, jobs: int, *, record_first: bool = False) -> Latency:
    """From just before the send to the settle's write in the store, one job at a time on an idle worker.

    `record_first` is for a worker that cannot run a job whose record is not there yet.
    """
    endpoint, table, found = context.endpoint, context.product.table, list[float]()
    endpoint.release(contestant.queue)
    with working(contestant, endpoint, context.folder) as worker:
        for turn in range(jobs + 5):
            job_id, message, item = job_of(NOOP, contestant.queue)
            endpoint.reset(journal=True)
            if record_first:
                endpoint.put_if_absent(table, item)
            began = time.monotonic()
            endpoint.call("AmazonSQS.SendMessage", {"QueueUrl": f"/{contestant.queue}", **message})
            if not record_first:
                endpoint.put_if_absent(table, item)
            until(lambda: endpoint.left(contestant.queue) == 0, worker.check, GIVE_UP_SECONDS)
            writes = [at for at, key in endpoint.counts().journal if key == f"{table}/job#{job_id}"]
            if turn >= 5:  # the first ones make connections
                found.append((max(writes) - began) * 1000)
            time.sleep(random.uniform(0.02, 0.05))
    return Latency(percentile(found, 0.5), percentile(found, 0.99), jobs)


def idle(context: ScenarioContext, contestant: Contestant, seconds: float) -> Idle:
    """A worker that has nothing to do for so long."""
    endpoint = context.endpoint
    endpoint.release(contestant.queue)
    with working(contestant, endpoint, context.folder) as worker:
        endpoint.reset()
        before = worker.usage.cpu
        time.sleep(seconds)
        after, counts = worker.usage, endpoint.counts()
    calls = {name: count / seconds * 60 for name, count in counts.calls.items()}
    return Idle(calls, (after.cpu - before) * 1000 / seconds * 60, after.rss)


def sleepers(context: ScenarioContext, way: str, jobs: int) -> Sleepers:
    """So many jobs that sleep at once: their memory, one round of renewals, and whether every lease was kept."""
    endpoint, product, period = context.endpoint, context.product, SLEEPERS_VISIBILITY / 3
    contestant = product.contestant(way, jobs, visibility=SLEEPERS_VISIBILITY)
    endpoint.hold(contestant.queue)
    with working(contestant, endpoint, context.folder) as worker:
        once(endpoint, contestant, [worker], WARM_UP, "", jobs)
        endpoint.hold(contestant.queue)
        lay(endpoint, product.queue, product.table, sleep_of(period * 3 + jobs / 500), jobs)
        come_to_rest(worker)
        endpoint.reset()
        before = worker.usage.rss
        endpoint.release(contestant.queue)
        until(lambda: endpoint.counts().entries.get("ReceiveMessage", 0) >= jobs, worker.check, GIVE_UP_SECONDS)
        come_to_rest(worker)
        kb_each = (worker.usage.rss - before) * 1024 / jobs
        return _one_round(endpoint, contestant, worker, jobs, kb_each)


def _one_round(endpoint: Endpoint, contestant: Contestant, worker: Running, jobs: int, kb_each: float) -> Sleepers:
    """The calls until every message and every record was renewed once, then the end of all."""
    received = endpoint.counts().entries["ReceiveMessage"]
    endpoint.reset()
    until(lambda: _renewals(endpoint) >= jobs, worker.check, GIVE_UP_SECONDS)
    calls = endpoint.counts().calls
    until(lambda: endpoint.left(contestant.queue) == 0, worker.check, GIVE_UP_SECONDS)
    counts = endpoint.counts()
    again = received + counts.entries.get("ReceiveMessage", 0) - jobs
    return Sleepers(
        jobs=jobs,
        kb_each=kb_each,
        sqs_per_round=calls.get("ChangeMessageVisibilityBatch", 0) + calls.get("ChangeMessageVisibility", 0),
        store_per_round=calls.get("BatchExecuteStatement", 0) + calls.get("UpdateItem", 0),
        kept=again == 0 and not counts.refused,
    )


def _renewals(endpoint: Endpoint) -> int:
    """Leases that were renewed in both ledgers."""
    counts = endpoint.counts()
    pairs = (("ChangeMessageVisibilityBatch", "ChangeMessageVisibility"), ("BatchExecuteStatement", "UpdateItem"))
    return min(counts.entries.get(batch, 0) + counts.calls.get(single, 0) for batch, single in pairs)


def long_drain(context: ScenarioContext, way: str, jobs: int) -> tuple[Memory, Drain, Drain]:
    """Memory over so many jobs; the CPU of small backlogs, and of the first tenth of the large one."""
    endpoint, contestant = context.endpoint, context.product.contestant(way, BUSY)
    points: list[tuple[int, float, float]] = []
    endpoint.hold(contestant.queue)
    with working(contestant, endpoint, context.folder) as worker:

        def look(left: int) -> None:
            used = worker.usage
            points.append((jobs - left, used.cpu, used.rss))

        once(endpoint, contestant, [worker], WARM_UP, "", BUSY)
        small = [once(endpoint, contestant, [worker], SMALL_BACKLOG, "no-op", BUSY) for _ in range(SMALL_TIMES)]
        large = once(endpoint, contestant, [worker], jobs, "no-op", BUSY, look)
    half = [(done / 1000, rss * 1024) for done, _, rss in points if done > jobs / 2]
    memory = Memory(jobs, large.rss, slope(half))
    return memory, sorted(small, key=lambda each: each.cpu_ms)[SMALL_TIMES // 2], _first_tenth(large, points)


def _first_tenth(large: Drain, points: list[tuple[int, float, float]]) -> Drain:
    """The part of a drain while nearly the whole backlog still lay there."""
    first = points[0]
    last = next(point for point in points if point[0] >= large.jobs / 10)
    return replace(large, jobs=last[0] - first[0], cpu=last[1] - first[1])


def two_workers(context: ScenarioContext, way: str, jobs: int) -> tuple[Drain, Drain]:
    """The same backlog through one worker, and through two."""
    contestant = context.product.contestant(way, BUSY)
    one, two = (drain(context.endpoint, contestant, context.folder, jobs, "no-op", BUSY, count) for count in (1, 2))
    return one, two
