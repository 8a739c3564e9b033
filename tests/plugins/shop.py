"""A folder of fake distributions."""

from __future__ import annotations

import importlib
from pathlib import Path

from cqworker.plugins.loaded_handlers import BrokenPlugin
from cqworker.plugins.registry import Registry, discover
from cqworker.settings import HandlerSettings

GOOD = '''
from cqworker import handler

@handler
def work(payload: dict[str, int]) -> int:
    """Adds up."""
    return sum(payload.values())
'''


class Shop:
    """Offers what a test says, beside whatever is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._offered: list[str] = []

    def module(self, name: str, source: str) -> None:
        (self.folder / f"{name}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()

    def offer(self, distribution: str, version: str = "1.2", **entry_points: str) -> None:
        """A distribution with these entry points; `__` in a name stands for a dot."""
        points = {name.replace("__", "."): value for name, value in entry_points.items()}
        self.offer_points(distribution, version, points)

    def offer_points(self, distribution: str, version: str, points: dict[str, str]) -> None:
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[cqworker.handlers]", *lines, ""]), "utf-8")
        self._offered += points
        importlib.invalidate_caches()

    def found(self, **settings: object) -> Registry:
        """What discovery finds of this shop's offers, with these settings."""
        chosen = {"enabled": tuple(dict.fromkeys(self._offered))} | settings
        return discover(HandlerSettings.model_validate(chosen))

    def only_fault(self) -> BrokenPlugin:
        [broken] = self.found().broken
        return broken
