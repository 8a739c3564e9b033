"""The results as text: a table of drains, the bill, the rest, and the targets."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.run.collect import Results
from bench.run.figures import Drain
from bench.run.peers import PLAIN
from bench.run.targets import BATCHED_NAME, targets
from cqworker.cli.bench.prices import Prices, list_prices

HEADINGS = (
    "worker",
    "load",
    "at once",
    "jobs",
    "jobs/s",
    "CPU ms/job",
    "of plain",
    "SQS/job",
    "DynamoDB/job",
    "write units",
    "read units",
    "RSS MB",
    "busy",
    "endpoint",
)


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows below their headings; figures stand to the right, the first column to the left."""
    lines = [list(headings), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headings))]
    for number, line in enumerate(lines):
        cells = (line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:]))
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "-" * (sum(widths) + 2 * len(widths) - 2)


def report(results: Results, where: str, *, aimed: bool) -> Iterator[str]:
    """Every line of the report; with the targets where they were `aimed` at."""
    yield f"{where}; {machine()}"
    yield ""
    yield from columns(HEADINGS, [_row(each, results.noop(PLAIN)) for each in _all(results)])
    for each in results.drains:
        if each.unfinished:
            yield f"{each.who}: {each.unfinished} of its messages stayed undeleted"
    yield ""
    yield "Calls and units per job by operation"
    for each in _all(results):
        yield f"  {each.who}, {each.load}, {each.concurrency} at once: {_by_operation(each)}"
    yield ""
    yield from _bill(results, list_prices())
    yield from _rest(results)
    if aimed:
        yield ""
        rows = [(each.figure, each.wanted, each.reached, _word(each.met)) for each in targets(results)]
        yield from columns(("target", "wanted", "reached", "met"), rows)
    yield from ("", *results.excuses) if results.excuses else ()


def machine() -> str:
    """What it was measured on."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def _all(results: Results) -> list[Drain]:
    return [*results.drains, *([results.submitted] if results.submitted else [])]


def _row(drain: Drain, plain: Drain | None) -> tuple[str, ...]:
    compared = plain is not None and drain.load == plain.load
    return (
        drain.who,
        drain.load,
        str(drain.concurrency),
        str(drain.jobs),
        f"{drain.rate:.0f}",
        f"{drain.cpu_ms:.3f}",
        _ratio(drain.cpu_ms, plain.cpu_ms) if compared and plain else "",
        f"{drain.sqs:.2f}",
        f"{drain.store:.2f}",
        f"{drain.written:.2f}",
        f"{drain.read:.2f}",
        f"{drain.rss:.0f}" if drain.rss else "",
        f"{drain.share:.0%}",
        f"{drain.endpoint_share:.0%}" if drain.endpoint_cpu else "",
    )


def _ratio(ours: float, plain: float) -> str:
    return f"1/{plain / ours:.1f}" if ours < plain else f"{ours / plain:.1f}"


def _by_operation(drain: Drain) -> str:
    units = {**drain.read_units, **drain.write_units}
    parts = [
        f"{name} {count / drain.jobs:.3f}" + (f" ({units[name] / drain.jobs:.2f} units)" if name in units else "")
        for name, count in sorted(drain.calls.items())
    ]
    return ", ".join(parts)


def _bill(results: Results, prices: Prices) -> Iterator[str]:
    ours, submitted = results.noop(BATCHED_NAME), results.submitted
    if ours is None or submitted is None:
        return
    run = prices.per_million(ours.sqs, ours.written, ours.read)
    taken = prices.per_million(submitted.sqs, submitted.written, submitted.read)
    yield f"A million such jobs: {run + taken:.2f} USD ({taken:.2f} to submit, {run:.2f} to run; {prices.words})"


def _rest(results: Results) -> Iterator[str]:
    for name, found in (("cqworker", results.latency), (PLAIN, results.plain_latency)):
        if found is not None:
            yield f"Submit to settled, idle {name}: p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms ({found.jobs} jobs)"
    if (idle := results.idle) is not None:
        calls = ", ".join(f"{name} {count:.1f}" for name, count in sorted(idle.calls.items())) or "no call ended"
        yield f"Idle, a minute: {idle.cpu_ms:.0f} ms of CPU, {idle.rss:.0f} MB; calls: {calls}"


def _word(met: bool | None) -> str:
    return "?" if met is None else "yes" if met else "NO"
