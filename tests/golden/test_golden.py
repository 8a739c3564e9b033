"""What others build on has not changed unnoticed: the API, metrics, log lines, settings, messages, items, help."""

from __future__ import annotations

import difflib

import pytest

from tests.golden.texts import FOLDER, MAKERS

HOW = """
{name} is not what it was; the lines with + are new:

{changes}
If that is meant: `make golden` writes the golden files anew; commit them with the change that wants them so.
People and programs rely on what stands here: additions are fine, anything else takes a reason in CHANGELOG.md."""
SHOWN = 40
"""Lines of a difference that are shown."""


@pytest.mark.parametrize("name", MAKERS)
def test_what_others_build_on_is_what_it_was(name: str) -> None:
    path = FOLDER / name
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    changes = [*difflib.unified_diff(before.splitlines(), MAKERS[name]().splitlines(), "before", "now", "", "", 1, "")]
    told = "\n".join(changes[:SHOWN]) + (f"\n… and {len(changes) - SHOWN} more" if len(changes) > SHOWN else "")
    if changes:
        pytest.fail(HOW.format(name=f"tests/golden/files/{name}", changes=told), pytrace=False)


def test_no_golden_file_is_left_that_nothing_writes() -> None:
    assert {path.name for path in FOLDER.iterdir()} == MAKERS.keys(), "`make golden` removes it"
