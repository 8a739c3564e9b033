"""Wheel and sdist, the same bytes wherever and whenever they are built from a commit, and fit for an index."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from packaging.version import Version

from tools.release import ReleaseRefusedError


def run(command: Sequence[str], folder: Path, **variables: str) -> str:
    """What the command prints. Raises ReleaseRefusedError with all that it said when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ReleaseRefusedError(f"{' '.join(command)} failed:\n{done.stdout.strip()}")
    return done.stdout.strip()


def build(source: Path, target: Path, epoch: str) -> list[Path]:
    """An sdist of `source` and a wheel made from that sdist, in `target`; `epoch` is the one time in them.

    That is seconds since 1970, by https://reproducible-builds.org/docs/source-date-epoch/.
    """
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    run(command, source, SOURCE_DATE_EPOCH=epoch)
    return sorted(target.iterdir())


def require_names(files: Sequence[Path], version: Version) -> None:
    """Raises ReleaseRefusedError unless they are the wheel and the sdist of `version`."""
    expected = [f"cqworker-{version}-py3-none-any.whl", f"cqworker-{version}.tar.gz"]
    if [file.name for file in files] != expected:
        raise ReleaseRefusedError(f"built were {', '.join(file.name for file in files)}, not {' and '.join(expected)}")


def require_fit(files: Sequence[Path]) -> None:
    """Raises ReleaseRefusedError where an index would refuse a file, or could not show its README."""
    run([sys.executable, "-m", "twine", "check", "--strict", *map(str, files)], files[0].parent)


def require_alike(first: Sequence[Path], second: Sequence[Path]) -> None:
    """Raises ReleaseRefusedError where a file of one build differs from that of the other."""
    for one, other in zip(first, second, strict=True):
        if one.read_bytes() != other.read_bytes():
            raise ReleaseRefusedError(f"{one.name} differs from one build to the next: nobody could check it")


def checksums(files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by file name."""
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in files}
