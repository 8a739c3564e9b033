"""Gives the root distribution the entry points that are written once, in handlers/pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class HandlersEntryPoints(MetadataHookInterface):
    """Copies the handlers' entry points into the metadata of the distribution that carries their package."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds every entry-point group of handlers/pyproject.toml to `metadata`."""
        source = Path(self.root) / "handlers" / "pyproject.toml"
        metadata["entry-points"] = tomllib.loads(source.read_text(encoding="utf-8"))["project"]["entry-points"]
