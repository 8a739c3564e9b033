"""The tests that docs/testing.md shows pass, and its tables name what a World has."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from cqworker.testing import World, WorldOperator

PAGE = Path(__file__).parents[2].joinpath("docs", "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TESTS = re.findall(r"def (test_\w+)", PAGE)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page defines, one block after another in one module."""
    space: dict[str, Any] = {"asyncio": asyncio, "__name__": "page"}
    for block in BLOCKS:
        exec(compile(block, "docs/testing.md", "exec", dont_inherit=True), space)
    return space


@pytest.mark.parametrize("name", TESTS)
def test_what_the_page_shows_passes(page: dict[str, Any], name: str) -> None:
    page[name]()


def test_the_page_shows_tests() -> None:
    assert len(TESTS) == 4


@pytest.mark.parametrize("face", [World, WorldOperator])
def test_the_page_names_every_act_and_sight(face: type) -> None:
    public = [name for name, _ in inspect.getmembers(face) if not name.startswith("_")]
    assert [name for name in public if not re.search(rf"[`.]{name}[`(]", PAGE)] == []
