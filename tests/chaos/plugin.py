"""Makes the chaos handlers an installed distribution, for processes that are started with its folder on their path."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.handlers import TYPES

METADATA = "Metadata-Version: 2.1\nName: chaos-handlers\nVersion: 1.0\n"


def install(folder: Path) -> Path:
    """Writes the distribution's metadata below `folder`; what it names is imported from this repository."""
    home = folder / "plugin"
    info = home / "chaos_handlers-1.0.dist-info"
    info.mkdir(parents=True)
    points = [f"{name} = {function.__module__}:{function.__name__}" for name, function in TYPES.items()]
    info.joinpath("METADATA").write_text(METADATA, encoding="utf-8")
    info.joinpath("entry_points.txt").write_text("\n".join(["[cqworker.handlers]", *points, ""]), encoding="utf-8")
    return home
