"""The code before jobs could wait in the table, out of this repository's history, in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEFORE = "d0350d4561affeb57ba7b9ab82a0689462f1836d"
"""The last commit that knows of no SCHEDULED job."""


def install_former(folder: Path) -> Path:
    """The interpreter that runs that code, with this one's third-party packages; skips where the history lacks it."""
    asked = ["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"]
    if not shutil.which("git") or subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"the history here has no commit {BEFORE[:7]}, the version before: clone all of it")
    code, home = folder / "code", folder / "venv"
    code.mkdir()
    with subprocess.Popen(["git", "archive", BEFORE], cwd=ROOT, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "--extract", f"--directory={code}"], stdin=archive.stdout, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    [packages] = home.glob("lib/python*/site-packages")
    shared = sysconfig.get_path("purelib")  # as a plain path: what is installed editable there stays out
    packages.joinpath("former.pth").write_text("\n".join(map(str, (code, code / "handlers", shared))) + "\n")
    return home / "bin" / "python"
