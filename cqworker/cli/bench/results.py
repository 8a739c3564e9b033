"""What a trial found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cqworker.cli.bench.counting_observer import PhaseCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """Submission or the run of so many jobs: seconds, CPU seconds of this process, calls and units by operation."""

    jobs: int
    seconds: float
    cpu_seconds: float
    sqs_requests: int
    calls: Mapping[str, int]
    write_units: Mapping[str, float]
    read_units: Mapping[str, float]

    @property
    def per_job(self) -> tuple[float, float, float]:
        """SQS requests, write units and read units of one job."""
        written, read = sum(self.write_units.values()), sum(self.read_units.values())
        return self.sqs_requests / self.jobs, written / self.jobs, read / self.jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """A whole trial: both parts, jobs that did not succeed or that another worker ran, and milliseconds when idle.

    `latency_jobs` were run one after the other on the idle worker, after the others.
    """

    type: str
    queue: str
    concurrency: int
    submitted: PhaseResult
    run: PhaseResult
    failed: int
    elsewhere: int
    latency_jobs: int
    latency_p50: float
    latency_p99: float


def phase_result(phase: PhaseCounts, jobs: int, seconds: float, cpu_seconds: float) -> PhaseResult:
    """A phase that has ended, as figures."""
    return PhaseResult(
        jobs=jobs,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        sqs_requests=phase.sqs,
        calls=dict(phase.calls),
        write_units=dict(phase.write_units),
        read_units=dict(phase.read_units),
    )


def percentile(values: list[float], share: float) -> float:
    """The value below which so large a share lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
