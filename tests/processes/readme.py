"""What the README tells a reader to type, to be typed by a test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = "localhost:8080"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """The README's code blocks of one language, in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [body for named, body in BLOCK.findall(text) if named == language]


def curl_blocks() -> list[str]:
    """Those that talk to a daemon, in order: later ones use variables of earlier ones."""
    return [block for block in blocks("bash") if ADDRESS in block]


def plugin_files() -> dict[str, str]:
    """The files of the README's plugin by their paths: each block's first line names its own."""
    files = {}
    for block in blocks("python") + blocks("toml"):
        path, _, text = block.removeprefix("# ").partition("\n")
        files[path] = text
    return files
