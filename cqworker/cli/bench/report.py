"""A trial's result as text and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from cqworker.cli.bench.prices import Prices
from cqworker.cli.bench.results import PhaseResult, TrialResult


def report_lines(found: TrialResult, prices: Prices) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.run.jobs} jobs of {found.type} on {found.queue}, at most {found.concurrency} at once"
    yield from _phase_lines("submitted", found.submitted)
    yield from _phase_lines("run", found.run)
    yield f"  idle      p50 {found.latency_p50:.0f} ms, p99 {found.latency_p99:.0f} ms from submit to settled"
    yield f"  a million {dollars(found, prices):.2f} USD of SQS requests and DynamoDB units"
    yield f"            ({prices.words})"
    if found.failed:
        yield f"  {found.failed} of them did not succeed: these are no figures of the type's own work."
    if found.elsewhere:
        yield f"  {found.elsewhere} jobs were run by another worker of this queue and are not counted in the run."


def report_data(found: TrialResult, prices: Prices) -> dict[str, Any]:
    """The same for scripts."""
    return {**asdict(found), "dollars_per_million": round(dollars(found, prices), 4), "prices": asdict(prices)}


def dollars(found: TrialResult, prices: Prices) -> float:
    """US dollars for a million such jobs, from their submission to their end."""
    return prices.per_million(*found.submitted.per_job) + prices.per_million(*found.run.per_job)


def _phase_lines(name: str, part: PhaseResult) -> Iterator[str]:
    sqs, written, read = part.per_job
    rate, cpu = part.jobs / part.seconds, part.cpu_seconds / part.jobs * 1000
    yield f"  {name:<9} {rate:.0f} jobs/s, {cpu:.2f} ms of CPU a job"
    yield f"            each took {sqs:.2f} SQS requests, {written:.2f} write units, {read:.2f} read units"
    calls = ", ".join(f"{operation} {count / part.jobs:.2f}" for operation, count in sorted(part.calls.items()))
    yield f"            calls each: {calls}"
