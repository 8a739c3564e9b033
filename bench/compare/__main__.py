"""`python -m bench.compare BASE`: CPU time of a job, of the code as it lies here against that of a commit."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.compare.ratio import Ratio, ratio
from bench.compare.tree import NoSuchBase, Tree, base_tree, present_tree
from bench.compare.turns import TURN_SECONDS, take_turns
from bench.compare.work import WORK, Side, Work
from bench.plugin import install
from bench.run.endpoint import endpoint_running
from bench.run.product import Product
from bench.run.report import columns, machine

HEADINGS = ("work", "base ms/job", "head ms/job", "head/base", "spread", "")


def main() -> int:
    """Reads the arguments, compares, prints; 1 where a job has become dearer than the limit allows."""
    arguments = _arguments()
    try:
        sides = (base_tree(arguments.base), present_tree())
        with tempfile.TemporaryDirectory(prefix="cqworker-compare-") as name:
            found = {work.name: ratio for work, ratio in _compare(sides, arguments, Path(name))}
    except (RuntimeError, NoSuchBase, ValueError) as fault:
        sys.stderr.write(f"bench-compare: {fault}\n")
        return 2
    dearer = [name for name, each in found.items() if each.exceeds(arguments.limit)]
    rows = [_row(name, each, name in dearer) for name, each in found.items()]
    heading = (
        f"base {sides[0].name}, {arguments.rounds} rounds of {TURN_SECONDS * 1000:g} ms a side, in turns; {machine()}"
    )
    sys.stdout.write("\n".join((heading, "", *columns(HEADINGS, rows))) + "\n")
    return 1 if dearer else 0


def _compare(trees: tuple[Tree, Tree], arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[Work, Ratio]]:
    with ExitStack() as stack:
        sides = []
        for number, tree in enumerate(trees):
            own = folder / str(number)
            (own / "plugin").mkdir(parents=True)
            product = Product(stack.enter_context(endpoint_running()), install(own / "plugin"))
            product.provision()
            sides.append(Side(tree, product, own))
        order = random.Random(arguments.seed)
        for work in WORK:
            if arguments.only in work.name:
                with work.open_runner(sides[0]) as base, work.open_runner(sides[1]) as head:
                    turns = take_turns(base, head, arguments.rounds, order)
                yield work, ratio(*turns)


def _row(name: str, found: Ratio, dearer: bool) -> tuple[str, ...]:
    figures = (f"{found.base_ms:.3f}", f"{found.head_ms:.3f}", f"{found.median:.3f}", f"±{found.spread:.1%}")
    return (name, *figures, "DEARER" if dearer else "")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("base", help="a commit, tag or branch to compare with")
    parser.add_argument("--rounds", type=int, default=200, help="turns that each side gets for each kind of work")
    parser.add_argument("--limit", type=float, default=2.0, help="percent that a job may cost more, besides the spread")
    parser.add_argument("--only", default="", metavar="WORD", help="only work whose name has this word in it")
    parser.add_argument("--seed", type=int, default=None, help="of the order of turns")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
