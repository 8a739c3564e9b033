"""The programme that a chaos run starts: each of its points can be set in the daemon as it is now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.launcher import POINTS
from tests.patience import scaled

ARMED = """
import inspect, sys
from cqworker.scheduling.sweeper import Sweeper
from tests.chaos.launcher import arm
arm(sys.argv[1])
print(inspect.signature(Sweeper).parameters["pace"].default.horizon)
"""


@pytest.mark.parametrize("point", [*(f"{name}:1" for name in POINTS), "census:{tmp}/census", "horizon:1234"])
def test_every_point_can_be_set(point: str, tmp_path: Path) -> None:
    program = [sys.executable, "-c", ARMED, point.format(tmp=tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=scaled(60), check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("1234\n" if point.startswith("horizon") else "900000\n")
