"""The stops as a command: `python -m tests.stops [--stops 200] [--seed 7]`."""

from __future__ import annotations

import argparse
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

from cqworker.cli.event_loop import run_on_loop
from cqworker.embedded import running_aws_sync
from tests.stops.campaign import campaign, told

END_OF_LOG = 1500


def main() -> int:
    """Makes the stops and prints how they went; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.stops", description=__doc__)
    parser.add_argument("--stops", type=int, default=200)
    parser.add_argument("--seed", type=int, help="what all chance comes from; a new one each time if not given")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    began = time.monotonic()
    with running_aws_sync() as aws, tempfile.TemporaryDirectory(prefix="cqworker-stops-") as folder:
        stops = run_on_loop(campaign(aws, Path(folder), arguments.stops, seed))
    failed = [stop for stop in stops if stop.trouble is not None]
    for stop in failed:
        print(f"{stop.trouble}\n{stop.log[-END_OF_LOG:]}")
    took = time.monotonic() - began
    print(f"stops: Python {platform.python_version()}: {told(stops)}; {took:.0f} s, seed {seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
