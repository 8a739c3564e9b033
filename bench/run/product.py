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


@dataclass(frozen=True, slots=True)
class Product:
    """cqworker on one endpoint, with the handlers of `plugin` beside it."""

    endpoint: Endpoint
    plugin: Path
    queue: str = "bench-cqworker"
    table: str = "bench-jobs"

    def environment(self, way: str, concurrency: int, visibility: int = 60) -> dict[str, str]:
        """The variables of a process that works here and nowhere else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}
        queue = {"name": self.queue, "dead_letter_queue": f"{self.queue}-dead", "visibility_timeout": visibility}
        return {
            **kept,
            **self.endpoint.environment,
            **WAYS[way],
            "PYTHONPATH": os.pathsep.join([str(self.plugin), str(ROOT)]),
            "CQWORKER_QUEUES": json.dumps([queue]),
            "CQWORKER_STORE__TABLE": self.table,
            "CQWORKER_ARTIFACTS__BUCKET": "bench-artifacts",
            "CQWORKER_WORKER__CONCURRENCY": str(concurrency),
            "CQWORKER_LOG__FORMAT": "json",
        }

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
