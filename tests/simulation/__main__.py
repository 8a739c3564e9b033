"""The simulation as a command: many seeds, one seed with its schedule, or the mutants."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.simulation.campaign import Totals, campaign, hunts
from tests.simulation.run import Report, simulate

SHOWN = 60
"""Lines of a failing seed's schedule that are printed."""


def main() -> int:
    """0 when nothing was violated and every mutant was caught, else 1."""
    arguments = _arguments()
    if arguments.mutants:
        return _hunt(arguments.seeds, arguments.jobs)
    if arguments.seed is not None:
        return _replay(arguments.seed, trace=arguments.trace, digest=arguments.digest)
    return _run(arguments.start, arguments.seeds, arguments.jobs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run, or to look at for each mutant")
    parser.add_argument("--start", type=int, default=1, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that share them")
    parser.add_argument("--seed", type=int, help="this one alone; a failing one prints the end of its schedule")
    parser.add_argument("--trace", action="store_true", help="with --seed: its whole schedule")
    parser.add_argument("--digest", action="store_true", help="with --seed: only a hash of its whole schedule")
    parser.add_argument("--mutants", action="store_true", help="look for a seed that finds each mutant out")
    return parser.parse_args()


def _run(start: int, seeds: int, jobs: int) -> int:
    began = time.monotonic()
    totals = Totals()
    for report in campaign(range(start, start + seeds), jobs):
        totals.add(report)
        if report.violations:
            _tell(report)
    _say(*totals.lines(time.monotonic() - began))
    return 1 if totals.failed else 0


def _replay(seed: int, *, trace: bool, digest: bool) -> int:
    report = simulate(seed, whole_trace=True)
    if digest:
        _say(report.digest)
    elif trace:
        _say(*report.schedule)
    if report.violations or not (trace or digest):
        _tell(report)
    return 1 if report.violations else 0


def _tell(report: Report) -> None:
    if report.violations:
        _say(f"--- seed {report.seed}: the end of its schedule", *report.schedule[-SHOWN:])
    _say(*(f"VIOLATION seed {report.seed}: {violation}" for violation in report.violations))
    _say(f"seed {report.seed}: {len(report.violations)} violations in {report.seconds:.0f} virtual seconds")
    if report.violations:
        _say(f"replay: python -m tests.simulation --seed {report.seed} --trace")


def _hunt(most: int, jobs: int) -> int:
    free = 0
    for name, catch in hunts(most, jobs):
        free += catch.seed is None
        how = (
            f"seed {catch.seed:>4} ({catch.tried} tried)" if catch.seed is not None else f"NOT CAUGHT in {catch.tried}"
        )
        _say(f"{name:<46} {how:<22} {catch.seconds:5.1f} s  {catch.violation[:100]}")
    return 1 if free else 0


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
