"""`python -m bench.run`: measures cqworker and its peers on one endpoint, and prints the table."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import orjson

from bench.plugin import install
from bench.run.collect import Collection, Results
from bench.run.elsewhere import collect_elsewhere
from bench.run.endpoint import Endpoint, endpoint_running
from bench.run.plan import FULL, QUICK
from bench.run.product import BATCHED, WAYS, Product
from bench.run.profiling import profile
from bench.run.report import report
from bench.run.scenarios import ScenarioContext
from bench.run.worker import WorkerFailed


def main() -> int:
    """Reads the arguments, measures, prints."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="cqworker-bench-") as name:
        folder = Path(name)
        try:
            measure = _elsewhere if arguments.engines or arguments.endpoint else _here
            lines = measure(arguments, folder)
        except RuntimeError as fault:
            sys.stderr.write(f"bench: {fault}\n")
            return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _here(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """On the endpoint of ours."""
    with endpoint_running(arguments.latency) as endpoint:
        context = _scenario_context(endpoint, folder)
        if arguments.profile:
            return list(profile(context, arguments.way))
        results = Collection(context, QUICK if arguments.quick else FULL).run(with_peers=not arguments.alone)
    return _report(results, f"in-memory endpoint, {arguments.latency:g} ms a call", arguments.json, aimed=True)


def _elsewhere(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """On the real engines, or at the URL that was given."""
    plugin, size = install(_make_folder(folder / "plugin")), "quick" if arguments.quick else "full"
    if arguments.endpoint:
        keep = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        results = collect_elsewhere({**keep, "AWS_ENDPOINT_URL": arguments.endpoint}, plugin, size)
        return _report(results, arguments.endpoint, arguments.json)
    from tests.engines.artefacts import EngineError
    from tests.engines.running import engines_running

    try:
        with engines_running() as engines:
            results = collect_elsewhere(engines.environment(), plugin, size)
    except EngineError as error:
        raise WorkerFailed(str(error)) from error
    return _report(results, "DynamoDB Local and ElasticMQ, which are the limit themselves", arguments.json)


def _report(results: Results, where: str, file: Path | None, *, aimed: bool = False) -> list[str]:
    if file is not None:
        file.write_bytes(orjson.dumps(asdict(results), option=orjson.OPT_INDENT_2))
    return list(report(results, where, aimed=aimed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run of two minutes")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds that every answer waits")
    parser.add_argument("--engines", action="store_true", help="on DynamoDB Local and ElasticMQ, cqworker alone")
    parser.add_argument("--endpoint", metavar="URL", help="on this endpoint, cqworker alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file, too")
    parser.add_argument("--profile", action="store_true", help="where the worker spends its time, and nothing else")
    parser.add_argument("--way", choices=WAYS, default=BATCHED, help="the way that is profiled")
    return parser.parse_args()


def _scenario_context(endpoint: Endpoint, folder: Path) -> ScenarioContext:
    product = Product(endpoint, install(_make_folder(folder / "plugin")))
    product.provision()
    return ScenarioContext(endpoint, product, folder)


def _make_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
