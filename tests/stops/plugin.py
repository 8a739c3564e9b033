"""Makes the handlers here an installed distribution, for daemons that are started with its folder on their path."""

from __future__ import annotations

from pathlib import Path

from tests.stops.handlers import TYPES

ROOT = Path(__file__).parents[2]


def install(folder: Path) -> tuple[Path, Path]:
    """What belongs on PYTHONPATH: a new folder with the metadata below `folder`, and this repository."""
    home = folder / "plugin"
    info = home / "stops_handlers-1.0.dist-info"
    info.mkdir(parents=True)
    points = [f"{name} = {function.__module__}:{function.__name__}" for name, function in TYPES.items()]
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stops-handlers\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("\n".join(["[cqworker.handlers]", *points, ""]), encoding="utf-8")
    return home, ROOT
