"""Runs a plan from its first scenario to its last; what cannot be run is named, never invented."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bench.peers.venv import PeersUnavailable, peers_venv
from bench.run import peers, scenarios
from bench.run.drains import drain
from bench.run.figures import Drain, Idle, Latency, Memory, Sleepers
from bench.run.loads import NAP, NOOP
from bench.run.plan import Plan
from bench.run.product import BATCHED, WAYS
from bench.run.scenarios import BUSY, ScenarioContext
from bench.run.submission import submission
from bench.run.worker import Contestant, WorkerFailed

T = TypeVar("T")


@dataclass(slots=True)
class Results:
    """Everything that was found; what is None or missing was not run, and `excuses` may say why."""

    drains: list[Drain] = field(default_factory=list)
    submitted: Drain | None = None
    latency: Latency | None = None
    plain_latency: Latency | None = None
    idle: Idle | None = None
    sleepers: Sleepers | None = None
    memory: Memory | None = None
    backlogs: tuple[Drain, Drain] | None = None
    workers: tuple[Drain, Drain] | None = None
    excuses: list[str] = field(default_factory=list)

    def noop(self, who: str) -> Drain | None:
        """The no-op drain of this contestant at the usual concurrency, else its cheapest."""
        found = [each for each in self.drains if each.who == who and each.load == NOOP.name]
        usual = [each for each in found if each.concurrency == BUSY]
        return min(usual or found, key=lambda each: each.cpu_ms, default=None)


class Collection:
    """One run of a plan on one endpoint."""

    def __init__(self, context: ScenarioContext, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        self.results = Results()

    def run(self, *, with_peers: bool) -> Results:
        """The product first, then the peers."""
        plan, context, results = self._plan, self._context, self.results
        self._drains()
        results.submitted = self._try("submission", lambda: submission(context, BATCHED, plan.submissions))
        usual = context.product.contestant(BATCHED, BUSY)
        results.latency = self._try("latency", lambda: scenarios.latency(context, usual, plan.latencies))
        results.idle = self._try("idle worker", lambda: scenarios.idle(context, usual, plan.idle_seconds))
        results.sleepers = self._try("sleepers", lambda: scenarios.sleepers(context, BATCHED, plan.sleepers))
        if plan.long:
            found = self._try("a long drain", lambda: scenarios.long_drain(context, BATCHED, plan.long))
            if found is not None:
                results.memory, *backlogs = found
                results.backlogs = (backlogs[0], backlogs[1])
        if plan.two:
            results.workers = self._try("two workers", lambda: scenarios.two_workers(context, BATCHED, plan.two))
        if with_peers:
            self._peers()
        return results

    def _drains(self) -> None:
        plan, product = self._plan, self._context.product
        for way in WAYS:
            jobs = plan.noops if way == BATCHED else plan.slow_noops
            concurrencies = plan.noop_concurrencies if way == BATCHED else (BUSY,)
            for concurrency in concurrencies:
                self._measure_drain(product.contestant(way, concurrency), jobs, NOOP.name, concurrency)
        for concurrency in plan.nap_concurrencies:
            self._measure_drain(product.contestant(BATCHED, concurrency, NAP), plan.naps, NAP.name, concurrency, 1)

    def _peers(self) -> None:
        plan, context = self._plan, self._context
        for load, jobs in ((NOOP, plan.slow_noops), (NAP, plan.naps)):
            loop = peers.plain_loop(context.product, BUSY, load)
            self._measure_drain(loop, jobs, load.name, BUSY)
        quiet_loop = peers.plain_loop(context.product, 10, NOOP)
        self.results.plain_latency = self._try(
            f"latency of the {peers.PLAIN}",
            lambda: scenarios.latency(context, quiet_loop, plan.latencies, record_first=True),
        )
        programs = self._try("peers", peers_venv)
        if programs is not None:
            self._measure_drain(peers.taskiq(context.endpoint, programs, BUSY), plan.slow_noops, NOOP.name, BUSY)
            for results in (False, True):
                contestant = peers.celery(context.endpoint, programs, results=results)
                self._measure_drain(contestant, plan.celery_noops, NOOP.name, 2, 1)

    def _measure_drain(
        self, contestant: Contestant, jobs: int, load: str, concurrency: int, repeats: int | None = None
    ) -> None:
        """The run of several, as many as planned or asked for, whose CPU per job is the median."""
        context, runs = self._context, list[Drain]()
        for _ in range(repeats or self._plan.repeats):
            what = f"{contestant.name}, {load}, {concurrency} at once"
            run = self._try(what, lambda: drain(context.endpoint, contestant, context.folder, jobs, load, concurrency))
            runs += [run] if run is not None else []
        if runs:
            middle = statistics.median_low(run.cpu_ms for run in runs)
            self.results.drains.append(next(run for run in runs if run.cpu_ms == middle))

    def _try(self, what: str, act: Callable[[], T]) -> T | None:
        """What `act` finds; a scenario that fails is reported, and the others go on."""
        began = time.monotonic()
        try:
            return act()
        except (WorkerFailed, PeersUnavailable) as fault:
            last = (str(fault).strip().splitlines() or ["it printed nothing"])[-1]
            self.results.excuses.append(f"{what}: not measured: {last[:200]}")
            return None
        finally:
            sys.stderr.write(f"  {what}: {time.monotonic() - began:.0f} s\n")
            sys.stderr.flush()
