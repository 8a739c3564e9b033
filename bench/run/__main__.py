"""`python -m bench.run`: measures cqworker and its peers on one endpoint, and prints the table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import orjson

from bench.plugin import install
from bench.run.collect import Collection
from bench.run.endpoint import Endpoint, endpoint_running
from bench.run.plan import FULL, QUICK
from bench.run.product import BATCHED, WAYS, Product
from bench.run.profiling import profile
from bench.run.report import report
from bench.run.scenarios import Ground


def main() -> int:
    """Reads the arguments, measures, prints."""
    arguments = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="cqworker-bench-") as name,
        endpoint_running(arguments.latency) as endpoint,
    ):
        ground = _ground(endpoint, Path(name))
        if arguments.profile:
            lines = profile(ground, arguments.way)
        else:
            collection = Collection(ground, QUICK if arguments.quick else FULL)
            results = collection.run(with_peers=not arguments.alone)
            if arguments.json:
                arguments.json.write_bytes(orjson.dumps(asdict(results), option=orjson.OPT_INDENT_2))
            lines = report(results, f"in-memory endpoint, {arguments.latency:g} ms a call")
        for line in lines:
            sys.stdout.write(f"{line}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run of two minutes")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds that every answer waits")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--profile", action="store_true", help="where the worker spends its time, and nothing else")
    parser.add_argument("--way", choices=WAYS, default=BATCHED, help="the way that is profiled")
    return parser.parse_args()


def _ground(endpoint: Endpoint, folder: Path) -> Ground:
    plugin = folder / "plugin"
    plugin.mkdir()
    product = Product(endpoint, install(plugin))
    product.provision()
    return Ground(endpoint, product, folder)


if __name__ == "__main__":
    sys.exit(main())
