"""The stage of the chaos runs in their small form."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.runs.scene import Stage, rehearse
from tests.engines.running import Engines

SEED = 20_261_122
VISIBILITY = 4
"""Shorter leases than the full runs have: a slice should not spend its time on waiting for them to end."""
REHEARSAL = 150
SLICE = "tests/chaos/test_runs.py"


@pytest.fixture(scope="session")
def rehearsed(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """The session's engines, warm."""
    asyncio.run(rehearse(Stage(engines=engines, folder=tmp_path_factory.mktemp("chaos"), seed=SEED), REHEARSAL))
    return engines


@pytest.fixture
def stage(rehearsed: Engines, tmp_path: Path) -> Stage:
    """A stage on the session's engines."""
    return Stage(engines=rehearsed, folder=tmp_path, seed=SEED, visibility=VISIBILITY)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the slice took, its engines' warming up included."""
    own = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.nodeid.startswith(SLICE)
    ]
    if own:
        terminalreporter.write_line(f"chaos slice: {sum(report.duration for report in own):.0f} s")
