"""The chaos runs as a command: `python -m tests.chaos [A … T | soak …] [--jobs 1000] [--kills 8] [--seed 7]`.

Without a name all runs are made, one after another, at their full size.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from cqworker.cli.event_loop import run_on_loop
from tests.chaos.programme import FULL, RUNS, Run, named, sizes_of
from tests.chaos.report import Report, say
from tests.chaos.runs.scene import Stage, rehearse
from tests.engines.artefacts import EngineError
from tests.engines.running import engines_running


def main() -> int:
    """Makes the runs that were asked for and prints what they found; 1 when a promise was broken."""
    arguments = _arguments()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    say(f"chaos: seed {seed}, load of this machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    began = time.monotonic()
    try:
        reports = [_make(named(name), arguments, seed) for name in arguments.runs or FULL]
    except EngineError as error:
        say(f"chaos: {error}")
        return 1
    failed = [report.name for report in reports if not report.passed]
    took = time.monotonic() - began
    say(f"chaos: {len(reports) - len(failed)} of {len(reports)} runs passed in {took:.0f} s, seed {seed}")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help=", ".join(RUNS))
    parser.add_argument("--seed", type=int, help="what all chance comes from; a new one each time if not given")
    for size, usual in {size: usual for run in RUNS.values() for size, usual in sizes_of(run).items()}.items():
        parser.add_argument(f"--{size.replace('_', '-')}", type=type(usual))
    arguments = parser.parse_args()
    for name in arguments.runs:
        try:
            named(name)
        except KeyError as error:
            parser.error(str(error.args[0]))
    return arguments


def _make(run: Run, arguments: argparse.Namespace, seed: int) -> Report:
    """One run on engines of its own, with the sizes that were given for it."""
    given = {size: getattr(arguments, size) for size in sizes_of(run)}
    sizes = {size: value for size, value in given.items() if value is not None}
    folder = Path(tempfile.mkdtemp(prefix="cqworker-chaos-"))
    with engines_running() as engines:
        stage = Stage(engines=engines, folder=folder, seed=seed)
        run_on_loop(rehearse(stage))
        report = run_on_loop(run(stage, **sizes))
    say(report.text())
    if report.passed:
        shutil.rmtree(folder)
    else:
        say(f"  journal and logs: {folder}")
    return report


if __name__ == "__main__":
    sys.exit(main())
