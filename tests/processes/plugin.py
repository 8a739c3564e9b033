"""Installs `proof_handlers.py` in a folder, as pip would, and reads the journal that its handlers keep."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

NAME = "proof_handlers"
SOURCE = Path(__file__).with_name(f"{NAME}.py")
TYPES = (
    *("nap", "slumber", "swell", "block", "stick", "cling", "compute", "refuse", "leak", "leak_apart"),
    *("ignore", "delegate", "leave", "segfault", "vanish", "devour", "kill"),
)


def install_plugin(folder: Path) -> Path:
    """The module of all misbehaviours, installed there."""
    return install_module(folder, SOURCE, {f"proof.{name}": name for name in TYPES})


def install_module(folder: Path, source: Path, handlers: Mapping[str, str]) -> Path:
    """A folder for PYTHONPATH that holds the module and what importlib.metadata reads of its distribution.

    `handlers` are the names of its functions by job type.
    """
    shutil.copy(source, folder)
    name = source.stem
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    points = "".join(f"{job_type} = {name}:{function}\n" for job_type, function in handlers.items())
    (information / "entry_points.txt").write_text(f"[cqworker.handlers]\n{points}")
    return folder


class Journal:
    """What handlers noted, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def noted(self, what: str) -> list[str]:
        """The ids of the jobs of which this was noted, in order; a job stands here as often as it was."""
        lines = (line.split() for line in self.path.read_text().splitlines())
        return [words[1] for words in lines if words[0] == what]
