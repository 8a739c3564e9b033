"""cqworker as a contestant: one worker process, on each of its ways to AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.run.endpoint import ROOT, Endpoint
from bench.run.loads import NOOP, Load, lay
from bench.run.worker import Contestant, WorkerFailed

PROGRAM = (sys.executable, "-m", "cqworker")
WAYS: Mapping[str, Mapping[str, str]] = {
    "SDK, single writes": {"CQWORKER_AWS__LEAN": "false", "CQWORKER_AWS__BATCH_WRITES": "false"},
    "lean, single writes": {"CQWORKER_AWS__LEAN": "true", "CQWORKER_AWS__BATCH_WRITES": "false"},
    "lean, batched writes": {"CQWORKER_AWS__LEAN": "true", "CQWORKER_AWS__BATCH_WRITES": "true"},
}
SDK, SINGLE, BATCHED = WAYS
QUEUE, TABLE = "bench-cqworker", "bench-jobs"


def queue_environment(
    aws: Mapping[str, str], plugin: Path, way: str, concurrency: int = 32, visibility: int = 60
) -> dict[str, str]:
    """The variables of a process that works on this AWS and nowhere else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}
    queue = {"name": QUEUE, "dead_letter_queue": f"{QUEUE}-dead", "visibility_timeout": visibility}
    return {
        **kept,
        **aws,
        **WAYS[way],
        "PYTHONPATH": os.pathsep.join([str(plugin), str(ROOT)]),
        "CQWORKER_QUEUES": json.dumps([queue]),
        "CQWORKER_STORE__TABLE": TABLE,
        "CQWORKER_ARTIFACTS__BUCKET": "bench-artifacts",
        "CQWORKER_WORKER__CONCURRENCY": str(concurrency),
        "CQWORKER_LOG__FORMAT": "json",
    }


@dataclass(frozen=True, slots=True)
class Product:
    """cqworker on one endpoint, with the handlers of `plugin` beside it."""

    endpoint: Endpoint
    plugin: Path
    queue: str = QUEUE
    table: str = TABLE

    def environment(self, way: str, concurrency: int, visibility: int = 60) -> dict[str, str]:
        """The variables of a process that works here and nowhere else."""
        return queue_environment(self.endpoint.environment, self.plugin, way, concurrency, visibility)

    def provision(self) -> None:
        """Table, queues and bucket, as an operator makes them. Raises WorkerFailed."""
        command, environment = [*PROGRAM, "provision"], self.environment(SDK, 32)
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise WorkerFailed(done.stderr)

    def contestant(self, way: str, concurrency: int, load: Load = NOOP, visibility: int = 60) -> Contestant:
        """A worker of the worker role, and jobs of this load for it."""
        return Contestant(
            name=f"cqworker, {way}",
            queue=self.queue,
            command=[*PROGRAM, "run", "--role", "worker", "--port", "0"],
            environment=self.environment(way, concurrency, visibility),
            lay=lambda jobs: lay(self.endpoint, self.queue, self.table, load, jobs),
        )
