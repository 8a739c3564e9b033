"""What a worker uses, and where it spends its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.plugin import TYPES, install
from bench.run.meter import tree, usage
from bench.run.profiling import tops

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"


def test_the_usage_of_a_process_is_that_of_its_children_too() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        parent, child = tree(process.pid)
        both, one = usage(parent), usage(child)
        assert 0 < one.cpu < both.cpu
        assert 1 < one.rss < both.rss
        process.communicate(b"\n")


def test_the_handlers_are_installed_as_a_distribution_is(tmp_path: Path) -> None:
    points = (install(tmp_path) / "bench_handlers-1.0.dist-info" / "entry_points.txt").read_text()
    assert [line.partition(" ")[0] for line in points.splitlines()[1:]] == [f"bench.{name}" for name in TYPES]


def test_a_profile_adds_up_functions_whatever_the_line() -> None:
    claim, send = "claim (cqworker/flow/claim.py:{})", "send (aiohttp/client.py:9)"
    stacks = [f"main (x.py:1);{claim.format(1)} 30", f"main (x.py:1);{claim.format(2)};{send} 60", "main (x.py:2) 10"]
    assert list(tops(stacks)) == [
        "",
        "Top 10, alone",
        "   60.0%  send (aiohttp/client.py)",
        "   30.0%  claim (cqworker/flow/claim.py)",
        "   10.0%  main (x.py)",
        "",
        "Top 10, cqworker's own, with what they call",
        "   90.0%  claim (cqworker/flow/claim.py)",
    ]
