"""A trial on the AWS that is configured: jobs submitted, run by a worker in this process, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cqworker.cli.bench.counting_observer import CountingObserver
from cqworker.cli.bench.results import PhaseResult, TrialResult, percentile, phase_result
from cqworker.clock import SystemClock
from cqworker.daemon.aws_ports import open_aws_ports
from cqworker.daemon.standalone import open_submitter
from cqworker.errors import CqworkerError
from cqworker.events import Emit
from cqworker.execution.handler_loop import ThreadedLoop
from cqworker.fleet.control_reader import ControlReader
from cqworker.jobs.submission import Submission
from cqworker.jobs.submit import Submitter
from cqworker.model.ids import worker_name
from cqworker.model.status import Status
from cqworker.plugins.registry import Registry
from cqworker.settings import Settings
from cqworker.worker.assembly import Dependencies, open_worker
from cqworker.worker.worker import Worker

CONCURRENT_SUBMISSIONS = 64
"""Submissions under way at the same time."""
LATENCY_JOBS = 20
"""Jobs that are run one after the other, for the latency of an idle worker."""
POLL_SECONDS = 0.01
"""Seconds between two looks at what has ended: the precision of latencies comes from the events, not from it."""
STALL_SECONDS = 5.0
"""Seconds without an end after which the records themselves are asked."""
GIVE_UP_SECONDS = 60.0
"""Seconds without an end of a job after which the trial gives up."""
DRAIN_SECONDS = 15.0
"""Seconds for jobs that still run when the trial ends."""
Report = Callable[[str], None]


class QueueInUse(CqworkerError):
    """The queue holds messages already."""


class JobsUnfinished(CqworkerError):
    """The jobs do not come to their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """What to try: so many jobs of this type with this payload (JSON text); `shared`: other messages may be there."""

    type: str
    payload: str
    jobs: int
    shared: bool = False


class Trial:
    """One trial of one order; its settings have one queue, without a dead-letter queue."""

    def __init__(
        self, settings: Settings, registry: Registry, plan: TrialPlan, counts: CountingObserver, emit: Emit
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._plan = plan
        self._counts = counts
        self._emit = emit
        self._queue = settings.queues[0].name
        self._elsewhere: set[str] = set()

    async def run(self, report: Report) -> TrialResult:
        """Submits, runs and counts; raises QueueInUse before anything was submitted, JobsUnfinished, Unavailable."""
        aws = open_aws_ports(self._settings, self._registry, SystemClock(), self._emit)
        async with aws.clients:
            dependencies = aws.dependencies
            await ControlReader(aws.fleet, dependencies.queue_control, dependencies.clock, self._emit).read()
            await self._look_at_queue(dependencies)
            submitter = open_submitter(dependencies, self._settings)
            report(f"Submitting {self._plan.jobs} jobs of {self._plan.type} to {self._queue} …")
            submitted, job_ids = await self._submit(submitter)
            report("Running them …")
            async with self._working(dependencies) as worker:
                run = await self._until_ended(dependencies, worker, job_ids)
                latencies = [await self._measure_latency(dependencies, submitter) for _ in range(LATENCY_JOBS)]
        ended = [self._counts.ended[job_id][0] for job_id in job_ids if job_id in self._counts.ended]
        return TrialResult(
            type=self._plan.type,
            queue=self._queue,
            concurrency=self._settings.worker.concurrency,
            submitted=submitted,
            run=run,
            failed=sum(status is not Status.SUCCEEDED for status in ended),
            elsewhere=len(self._elsewhere),
            latency_jobs=len(latencies),
            latency_p50=percentile(latencies, 0.5),
            latency_p99=percentile(latencies, 0.99),
        )

    async def _look_at_queue(self, dependencies: Dependencies) -> None:
        if not dependencies.queue_control.may_receive(self._queue):
            raise QueueInUse(
                f"The queue {self._queue} is paused, and nothing would run. "
                f"Resume it: cqworker queues resume {self._queue}; or name another queue with --queue."
            )
        depth = await dependencies.queues[self._queue].depth()
        there = depth.visible + depth.in_flight + depth.delayed
        if there and not self._plan.shared:
            raise QueueInUse(
                f"The queue {self._queue} holds about {there} messages, and this would run them too. "
                "Name an empty queue with --queue, or say --yes."
            )

    async def _submit(self, submitter: Submitter) -> tuple[PhaseResult, list[str]]:
        places, phase = asyncio.Semaphore(CONCURRENT_SUBMISSIONS), self._counts.begin()

        async def one() -> str:
            async with places:
                return (await submitter.submit(self._submission())).record.job_id

        job_ids = await asyncio.gather(*(one() for _ in range(self._plan.jobs)))
        seconds, cpu = time.monotonic() - phase.began, time.process_time() - phase.cpu
        return phase_result(phase, len(job_ids), seconds, cpu), job_ids

    def _submission(self) -> Submission:
        return Submission(type=self._plan.type, payload=self._plan.payload, queue=self._queue)

    @asynccontextmanager
    async def _working(self, dependencies: Dependencies) -> AsyncIterator[Worker]:
        """A worker of the worker role; it drains whatever happens."""
        loop = ThreadedLoop(type(asyncio.get_running_loop()))
        worker = open_worker(dependencies, self._settings, loop, name=worker_name(), on_settled=lambda *_: None)
        try:
            yield worker
        finally:
            await worker.drain(DRAIN_SECONDS, asyncio.Event())
            await worker.close()

    async def _until_ended(self, dependencies: Dependencies, worker: Worker, job_ids: list[str]) -> PhaseResult:
        """Starts the worker, and waits until every job is final, here or elsewhere."""
        phase, left, changed = self._counts.begin(), set(job_ids), time.monotonic()
        worker.start()
        while left:
            await asyncio.sleep(POLL_SECONDS)
            now, before = time.monotonic(), len(left)
            left -= self._counts.ended.keys()
            if len(left) < before:
                changed = now
            elif now - changed > STALL_SECONDS:
                self._elsewhere |= await self._ended_elsewhere(dependencies, left, now - changed)
                left -= self._elsewhere
        last = max((self._counts.ended[each][1] for each in job_ids if each in self._counts.ended), default=phase.began)
        cpu = time.process_time() - phase.cpu
        await asyncio.gather(*(queue_worker.acknowledger.flush() for queue_worker in worker.queue_workers))
        if not (here := len(job_ids) - len(self._elsewhere)):
            raise JobsUnfinished(f"Another worker of {self._queue} ran every job: stop it, or use another --queue.")
        return phase_result(phase, here, last - phase.began, cpu)

    async def _ended_elsewhere(self, dependencies: Dependencies, left: set[str], stalled: float) -> set[str]:
        records = await asyncio.gather(*(dependencies.store.get(job_id) for job_id in left))
        final = {record.job_id for record in records if record is not None and record.status.is_final}
        if not final and stalled > GIVE_UP_SECONDS:
            troubles = "; ".join(f"{each.cause} {each.remedy}" for each in dependencies.health.readiness())
            raise JobsUnfinished(f"{len(left)} jobs do not come to their end. {troubles or 'Try `cqworker doctor`.'}")
        return final

    async def _measure_latency(self, dependencies: Dependencies, submitter: Submitter) -> float:
        """Milliseconds from just before the submission of one job until its ending was written."""
        began = time.monotonic()
        job_id = (await submitter.submit(self._submission())).record.job_id
        while job_id not in self._counts.ended:
            await asyncio.sleep(POLL_SECONDS)
            if time.monotonic() - began > STALL_SECONDS and await self._ended_elsewhere(dependencies, {job_id}, 0.0):
                return (time.monotonic() - began) * 1000
            if time.monotonic() - began > GIVE_UP_SECONDS:
                raise JobsUnfinished(f"Job {job_id} does not come to its end. Try `cqworker doctor`.")
        await asyncio.sleep(POLL_SECONDS)
        return (self._counts.ended[job_id][1] - began) * 1000
