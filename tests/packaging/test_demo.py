"""The demo's own lock holds all that the demo imports."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.packaging.test_locks import locked

pytestmark = pytest.mark.processes

LACKING = '''
import sys

class Lacking:
    """Stands for an environment that holds the demo's lock alone."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Lacking())
'''


def missing() -> set[str]:
    """The modules of this environment that the demo's lock would not bring."""
    beyond = set(locked("requirements-dev.lock")) - set(locked("requirements-demo.lock"))
    return {
        module
        for module, owners in packages_distributions().items()
        if {canonicalize_name(owner) for owner in owners} <= beyond
    }


def test_the_demo_runs_where_only_its_lock_is_installed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LACKING.format(missing=missing()), encoding="utf-8")
    assert {"mypy", "pytest", "cfnlint", "sympy"} <= missing()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CQWORKER_"))}
    done = subprocess.run(
        [sys.executable, "-m", "cqworker", "demo", "--output", str(tmp_path / "output")],
        env={**kept, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit code 0" in done.stdout
    assert (tmp_path / "output" / "astronaut-grey.jpg").stat().st_size > 10_000
