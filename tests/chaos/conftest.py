"""The stage of the chaos runs in their small form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.runs.scene import Stage
from tests.engines.running import Engines

SEED = 20_261_122
VISIBILITY = 4
"""Shorter leases than the full runs have: a slice should not spend its time on waiting for them to end."""


@pytest.fixture
def stage(engines: Engines, tmp_path: Path) -> Stage:
    """A stage on the session's engines."""
    return Stage(engines=engines, folder=tmp_path, seed=SEED, visibility=VISIBILITY)
