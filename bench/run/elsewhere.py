"""The same loads where nobody can be held back or counted from outside: on the real engines, or any endpoint given.

There `cqworker bench` submits, runs and counts in one process; peers are not run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from bench.run.collect import Results
from bench.run.endpoint import ALONE, ROOT
from bench.run.figures import Drain, Latency
from bench.run.loads import NAP, NOOP, Load
from bench.run.product import PROGRAM, WAYS, queue_environment
from bench.run.worker import WorkerFailed

JOBS = {"quick": 300, "full": 2_000}
CONCURRENCIES = {"quick": (100,), "full": (32, 100, 500)}


def collect_elsewhere(aws: Mapping[str, str], plugin: Path, size: str) -> Results:
    """Everything that can be found there; `aws` holds the SDK's variables that lead there."""
    results = Results()
    for way in WAYS:
        environment = queue_environment({**ALONE, **aws}, plugin, way)
        _run(environment, "provision")
        for load in (NOOP, NAP):
            for concurrency in CONCURRENCIES[size]:
                found = _trial(environment, load, JOBS[size], concurrency)
                results.drains.append(_drain(f"cqworker, {way}", load, found, found["run"]))
                results.submitted = _drain("cqworker, submission", load, found, found["submitted"])
                results.latency = Latency(found["latency_p50"], found["latency_p99"], found["latency_jobs"])
    results.excuses.append("Peers and the scenarios of the in-memory endpoint are not run on another one.")
    return results


def _trial(environment: Mapping[str, str], load: Load, jobs: int, concurrency: int) -> dict[str, Any]:
    options = ["--jobs", str(jobs), "--concurrency", str(concurrency), "--type", load.type, "--payload", load.payload]
    found: dict[str, Any] = orjson.loads(_run(environment, "bench", "--json", *options))
    return found


def _run(environment: Mapping[str, str], *arguments: str) -> bytes:
    command = [*PROGRAM, *arguments]
    done = subprocess.run(command, env=dict(environment), cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise WorkerFailed(done.stderr.decode(errors="replace"))
    return done.stdout


def _drain(who: str, load: Load, found: Mapping[str, Any], part: Mapping[str, Any]) -> Drain:
    return Drain(
        who=who,
        load=load.name,
        concurrency=found["concurrency"],
        jobs=part["jobs"],
        seconds=part["seconds"],
        cpu=part["cpu_seconds"],
        rss=0.0,
        calls=part["calls"],
        write_units=part["write_units"],
        read_units=part["read_units"],
    )
