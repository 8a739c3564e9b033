"""The code before a change: its files out of git, and an environment with the versions that it was tested with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.peers.venv import cache_folder
from bench.run.endpoint import ROOT


class NoSuchBase(RuntimeError):
    """The base cannot be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A state of the code: what reports call it, where it lies, and the interpreter that runs it."""

    name: str
    folder: Path
    python: str


def present_tree() -> Tree:
    """What lies in the working folder."""
    return Tree("head", ROOT, sys.executable)


def base_tree(ref: str) -> Tree:
    """The code at this commit, made once and kept in the cache folder. Raises NoSuchBase."""
    commit = _run(["git", "rev-parse", "--verify", f"{ref}^{{commit}}"], f"There is no commit {ref!r} here.")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache_folder() / f"bench-base-{version}-{commit[:12]}"
    if not (home / ".ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _unpack(commit, home)
        uv = ["UV=uv"] if shutil.which("uv") else []
        setup = ["make", "--silent", f"--directory={home}", "setup", f"PYTHON={sys.executable}", *uv]
        _run(setup, "Its environment cannot be made.")
        (home / ".ready").touch()
    return Tree(commit[:12], home, str(home / ".venv" / "bin" / "python"))


def _unpack(commit: str, home: Path) -> None:
    with subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "--extract", f"--directory={home}"], stdin=archive.stdout, check=True)


def _run(command: list[str], fault: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise NoSuchBase(f"{fault} {done.stderr.strip()[-300:]}".strip())
    return done.stdout.strip()
