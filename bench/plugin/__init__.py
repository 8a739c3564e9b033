"""The job types that are measured, and how they are installed beside a worker."""

from __future__ import annotations

import shutil
from pathlib import Path

NAME = "bench_handlers"
TYPES = ("noop", "nap")


def install(folder: Path) -> Path:
    """A folder for PYTHONPATH that holds the handlers and what importlib.metadata reads of their distribution."""
    shutil.copy(Path(__file__).with_name(f"{NAME}.py"), folder)
    information = folder / f"{NAME}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-handlers\nVersion: 1.0\n")
    points = "".join(f"bench.{name} = {NAME}:{name}\n" for name in TYPES)
    (information / "entry_points.txt").write_text(f"[cqworker.handlers]\n{points}")
    return folder
