"""Finds an interpreter of every version of Python that the project claims, and names the versions that are missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")
QUERY = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"


def claimed_versions() -> list[str]:
    """The versions in the classifiers, oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    find_python = filter(None, map(CLASSIFIER.fullmatch, project["classifiers"]))
    return sorted((match[1] for match in find_python), key=lambda version: int(version.partition(".")[2]))


def find_python(version: str) -> str | None:
    """An interpreter of this version that can make virtual environments; None where this machine has none."""
    for candidate in _candidates(version):
        answer = _ask(candidate)
        if answer and answer[0] == version:
            return answer[1]
    return None


def _candidates(version: str) -> Iterator[str]:
    """What PATH says first, then where pyenv, uv and administrators put interpreters."""
    yield from filter(None, (shutil.which(f"python{version}"), shutil.which("python3")))
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    for folder in (*pyenv.glob(f"{version}.*"), *uv.glob(f"cpython-{version}.*"), Path(f"/opt/python{version}")):
        yield str(folder / "bin" / f"python{version}")


def _ask(python: str) -> list[str] | None:
    """Version and place of an interpreter; None of one that does not run or lacks venv."""
    try:
        done = subprocess.run([python, "-c", QUERY], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().split(" ", 1)


def main(asked: Sequence[str]) -> int:
    """Prints the interpreters, one a line, and on stderr what there is none of; 1 when none was found.

    `asked` names versions such as 3.13 or python3.13; without any it is all that the project claims.
    """
    places = {
        version: find_python(version)
        for version in [name.removeprefix("python") for name in asked] or claimed_versions()
    }
    for version, place in places.items():
        if place is None:
            print(f"Python {version} is not tested: this machine has none, or it lacks venv", file=sys.stderr)
        else:
            print(place)
    return 0 if any(places.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
