"""What 2,000 small jobs cost at saturation, counted by the daemons themselves on real engines."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import pytest

from cqworker.model.record import SHARDS
from tests.conftest import Tell
from tests.processes.conftest import WORKER, Start
from tests.processes.daemon import Daemon, until
from tests.processes.site import Site

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

JOBS = 2000
AT_ONCE = 64
TEXT = "the quick brown fox jumps over the lazy dog, and a hundred characters are what a small job has to do"
LETTING_GO = ("ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility")
CALLS = "cqworker_aws_calls_total"
DAEMONS = 2
OWN_AT_FIRST, OWN_A_MINUTE = 3, 2
"""Write units of a daemon for itself: name, types and state at first, and a heartbeat at most twice a minute."""
LEASES_A_MINUTE = 2 * SHARDS
"""Write units of the one that sweeps: each of its leases, taken and renewed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What was used for each job, and the seconds for all of them; what the daemons may have written for themselves."""

    write_units: float
    read_units: float
    sqs_requests: float
    submit_seconds: float
    run_seconds: float
    worker_cpu: float
    api_cpu: float
    most_of_their_own: float

    def lines(self) -> Iterator[str]:
        yield f"{JOBS} text.transform jobs of {len(TEXT)} bytes on DynamoDB Local and ElasticMQ, for each job:"
        yield f"  {self.write_units:.3f} write units and {self.read_units:.4f} read units, submit and worker together"
        yield f"  {self.sqs_requests:.3f} SQS requests to receive and let go"
        yield f"  {self.api_cpu * 1000:.2f} ms of CPU to submit, {self.worker_cpu * 1000:.2f} ms to run"
        yield f"  in all {self.submit_seconds:.1f} s to submit ({JOBS / self.submit_seconds:.0f} jobs/s)"
        yield f"  and {self.run_seconds:.1f} s to run ({JOBS / self.run_seconds:.0f} jobs/s)"


async def submit_all(url: str) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def submit(session: aiohttp.ClientSession) -> int:
        async with gate, session.post("/jobs", json={"type": "text.transform", "payload": {"text": TEXT}}) as answer:
            return answer.status

    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        statuses = await asyncio.gather(*(submit(session) for _ in range(JOBS)))
    assert set(statuses) == {202}


def succeeded(worker: Daemon) -> float:
    return worker.metric("cqworker_jobs_finished_total", status="SUCCEEDED")


def spent(*daemons: Daemon) -> tuple[float, float, float]:
    """Write units, read units, SQS requests to receive and let go."""
    units = [
        sum(daemon.metric(f"cqworker_dynamodb_{kind}_units_total") for daemon in daemons) for kind in ("write", "read")
    ]
    return units[0], units[1], sum(daemon.metric(CALLS, operation=name) for daemon in daemons for name in LETTING_GO)


@pytest.fixture(scope="module")
def cost(site: Site, start: Start) -> Cost:
    """Everything is submitted before the worker starts."""
    place = site.changed(queues=["saturated"], extra={"CQWORKER_LOG__LEVEL": "warning"})
    api = start(place, "run", "--port", "0", "--role", "api")
    until(lambda: api.get("/readyz").status == 200)
    began = time.monotonic()
    asyncio.run(submit_all(api.url))
    submitted = time.monotonic()
    worker = start(place, *WORKER, "--concurrency", "128")
    until(lambda: succeeded(worker) > 0)
    running = time.monotonic()
    until(lambda: succeeded(worker) == JOBS, patience=120)
    ended = time.monotonic()
    until(lambda: site.depth("saturated") == (0, 0))
    minutes = (time.monotonic() - began) / 60
    own = DAEMONS * OWN_AT_FIRST + (DAEMONS * OWN_A_MINUTE + LEASES_A_MINUTE) * math.ceil(minutes)
    writes, reads, requests = (count / JOBS for count in spent(api, worker))
    cpu_of_worker, cpu_of_api = (daemon.metric("process_cpu_seconds_total") / JOBS for daemon in (worker, api))
    return Cost(writes, reads, requests, submitted - began, ended - running, cpu_of_worker, cpu_of_api, own / JOBS)


def test_a_small_job_costs_at_most_3_write_units_and_no_read(cost: Cost, tell: Tell) -> None:
    tell("\n  ".join(cost.lines()))
    assert 2 <= cost.write_units <= 3 + cost.most_of_their_own, "tests/figures/test_scheduling_cost.py has it exactly"
    assert cost.read_units * JOBS <= 10, "the daemons ask after their table's health now and then, never after a job"


def test_a_quarter_of_an_sqs_request_is_enough_to_receive_and_delete_a_job(cost: Cost) -> None:
    assert 0.2 <= cost.sqs_requests <= 0.25, "less than a receive and a delete for ten jobs cannot be"
