"""The peers as contestants."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.run.endpoint import ROOT, Endpoint
from bench.run.loads import Load, lay
from bench.run.product import Product
from bench.run.worker import Contestant, WorkerFailed

TASKIQ = "taskiq + taskiq-aio-sqs, no record"
CELERY = "Celery, prefork 2, no record"
CELERY_RESULTS = "Celery, results in DynamoDB"
PLAIN = "plain aiobotocore loop"


def plain_loop(product: Product, concurrency: int, load: Load) -> Contestant:
    """The plain loop on a queue of its own and the product's table."""
    endpoint, queue = product.endpoint, "bench-plain"
    _make_queue(endpoint, queue)
    command = [sys.executable, "-m", "bench.peers.plain_loop", queue, product.table, "--concurrency", str(concurrency)]
    return Contestant(
        name=PLAIN,
        queue=queue,
        command=command,
        environment=_environment(endpoint, {}),
        lay=lambda jobs: lay(endpoint, queue, product.table, load, jobs),
    )


def taskiq(endpoint: Endpoint, programs: Path, concurrency: int) -> Contestant:
    """taskiq in one process, acknowledging after the task as cqworker does."""
    options = ["--workers", "1", "--max-async-tasks", str(concurrency), "--ack-type", "when_executed"]
    command = [str(programs / "taskiq"), "worker", "bench.peers.taskiq_app:broker", *options, "--log-level", "WARNING"]
    return _sending(endpoint, TASKIQ, "bench-taskiq", command, programs, "bench.peers.taskiq_app", {})


def celery(endpoint: Endpoint, programs: Path, *, results: bool) -> Contestant:
    """Celery with two processes and tuned polling, acknowledging after the task."""
    quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = [str(programs / "celery"), "-A", "bench.peers.celery_app", "worker", "-P", "prefork", "-c", "2", *quiet]
    name, queue = (CELERY_RESULTS, "bench-celery-results") if results else (CELERY, "bench-celery")
    extra = {"BENCH_RESULTS": "1"} if results else {}
    return _sending(endpoint, name, queue, command, programs, "bench.peers.celery_app", extra)


def _sending(
    endpoint: Endpoint,
    name: str,
    queue: str,
    command: list[str],
    programs: Path,
    module: str,
    extra: Mapping[str, str],
) -> Contestant:
    """A peer whose jobs are sent by its own producer."""
    _make_queue(endpoint, queue)
    environment = _environment(endpoint, {"BENCH_QUEUE": queue, **extra})

    def send(jobs: int) -> None:
        producer = [str(programs / "python"), "-m", module, str(jobs)]
        done = subprocess.run(producer, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise WorkerFailed(done.stderr[-300:])

    return Contestant(name=name, queue=queue, command=command, environment=environment, lay=send)


def _make_queue(endpoint: Endpoint, queue: str) -> None:
    endpoint.call("AmazonSQS.CreateQueue", {"QueueName": queue})


def _environment(endpoint: Endpoint, extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}
    return {**kept, **endpoint.environment, "PYTHONPATH": str(ROOT), **extra}
