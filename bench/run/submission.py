"""What it takes to get jobs in: cqworker's own Submitter in a process of its own, the queue held meanwhile."""

from __future__ import annotations

import subprocess
import sys

import orjson

from bench.run.endpoint import ROOT
from bench.run.figures import ASIDE, Drain
from bench.run.scenarios import ScenarioContext
from bench.run.submitting import WARM_UP
from bench.run.worker import WorkerFailed

AT_ONCE = 64
"""Submissions under way at the same time."""
NAME = "cqworker, submission"


def submission(context: ScenarioContext, way: str, jobs: int) -> Drain:
    """So many jobs submitted; nobody runs them, and they are purged."""
    endpoint, product = context.endpoint, context.product
    endpoint.hold(product.queue)
    endpoint.reset()
    command = [sys.executable, "-m", "bench.run.submitting", str(jobs), str(AT_ONCE)]
    environment = product.environment(way, AT_ONCE)
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise WorkerFailed(done.stderr.decode(errors="replace")[-300:])
    figures, counts = orjson.loads(done.stdout.splitlines()[-1]), endpoint.counts()
    endpoint.call("AmazonSQS.PurgeQueue", {"QueueUrl": f"/{product.queue}"})
    share = jobs / (jobs + WARM_UP)
    return Drain(
        who=NAME,
        load="submit",
        concurrency=AT_ONCE,
        jobs=jobs,
        seconds=figures["seconds"],
        cpu=figures["cpu"],
        rss=0.0,
        calls={name: count * share for name, count in counts.calls.items() if name not in ASIDE},
        write_units={name: units * share for name, units in counts.write_units.items()},
        read_units=counts.read_units,
    )
