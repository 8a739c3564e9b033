"""What was aimed at, and how far it was reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.run.collect import Results
from bench.run.figures import Drain
from bench.run.peers import PLAIN, TASKIQ
from bench.run.product import BATCHED, SINGLE

BATCHED_NAME, SINGLE_NAME = f"cqworker, {BATCHED}", f"cqworker, {SINGLE}"
KB = 1.024
"""Bytes of a job where a thousand of them add a KB."""
UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, what it should be, what it came to, and whether that is enough; None: it was not measured."""

    figure: str
    wanted: str
    reached: str
    met: bool | None


def targets(results: Results) -> list[Target]:
    """Every target with what these results say of it."""
    batched, single = results.noop(BATCHED_NAME), results.noop(SINGLE_NAME)
    return [
        _share("CPU per no-op job, batched, against the plain loop", batched, results.noop(PLAIN), 12),
        _share("CPU per no-op job, batched, against taskiq without a record", batched, results.noop(TASKIQ), 6),
        _share("CPU per no-op job, single writes, against the plain loop", single, results.noop(PLAIN), 4),
        *_bill(batched, results.submitted),
        *_latency(results),
        *_sleepers(results),
        *_memory(results),
        *_scaling(results),
    ]


def _share(figure: str, ours: Drain | None, theirs: Drain | None, wanted: float) -> Target:
    if ours is None or theirs is None:
        return Target(figure, f"<= 1/{wanted:g}", UNKNOWN, None)
    reached = theirs.cpu_ms / ours.cpu_ms
    figure_text = f"1/{reached:.1f} ({ours.cpu_ms:.3f} of {theirs.cpu_ms:.3f} ms)"
    return Target(figure, f"<= 1/{wanted:g}", figure_text, reached >= wanted)


def _at_most(figure: str, limit: float, value: float | None, unit: str = "") -> Target:
    if value is None:
        return Target(figure, f"<= {limit:g}{unit}", UNKNOWN, None)
    return Target(figure, f"<= {limit:g}{unit}", f"{value:.4g}{unit}", value <= limit)


def _bill(ours: Drain | None, submitted: Drain | None) -> Iterator[Target]:
    yield _at_most("SQS requests per job, receive and delete", 0.21, round(ours.sqs, 3) if ours else None)
    written = round(ours.written + submitted.written, 2) if ours and submitted else None
    yield _at_most("DynamoDB write units per job, submission included", 3.0, written)
    yield _at_most("DynamoDB read units per job", 0.0, round(ours.read, 2) if ours else None)


def _latency(results: Results) -> Iterator[Target]:
    found = results.latency
    yield _at_most("latency submit to settled, idle worker, p50", 5, found.p50 if found else None, " ms")
    yield _at_most("latency submit to settled, idle worker, p99", 12, found.p99 if found else None, " ms")


def _sleepers(results: Results) -> Iterator[Target]:
    found = results.sleepers
    jobs = found.jobs if found else 5_000
    scale = jobs / 5_000
    yield _at_most(f"memory of each of {jobs} sleeping jobs", 20, found.kb_each if found else None, " KB")
    yield _at_most("calls to SQS per renewal round", 500 * scale, found.sqs_per_round if found else None)
    yield _at_most("calls to DynamoDB per renewal round", 200 * scale, found.store_per_round if found else None)
    kept = None if found is None else found.kept
    yield Target("every lease kept", "yes", UNKNOWN if kept is None else "yes" if kept else "no", kept)


def _memory(results: Results) -> Iterator[Target]:
    found = results.memory
    jobs = found.jobs if found else 100_000
    yield _at_most(f"resident memory after {jobs} jobs", 90, found.rss if found else None, " MB")
    yield _at_most("its growth in the second half, a job", 5, found.slope * KB if found else None, " bytes")


def _scaling(results: Results) -> Iterator[Target]:
    small_large, one_two = results.backlogs, results.workers
    grown = small_large[1].cpu_ms / small_large[0].cpu_ms if small_large else None
    yield _at_most("CPU per job at a backlog of 100,000 against 1,000", 1.1, grown, " times")
    doubled = one_two[1].cpu_ms / one_two[0].cpu_ms if one_two else None
    yield _at_most("CPU per job of two workers against one", 1.1, doubled, " times")
    if one_two is None:
        yield Target("jobs/s of two workers against one", ">= 1.8 times", UNKNOWN, None)
        return
    faster, endpoint = one_two[1].rate / one_two[0].rate, one_two[1].endpoint_share
    figure_text = f"{faster:.2f} times; of a core the workers took {one_two[1].share:.2f}, the endpoint {endpoint:.2f}"
    yield Target("jobs/s of two workers against one", ">= 1.8 times, where there are cores", figure_text, faster >= 1.8)
