"""The handlers' own tests use what any plugin author has: the face and cqworker.testing."""

from __future__ import annotations

import ast
from pathlib import Path

HANDLERS = Path(__file__).parents[2] / "handlers"


def imported(file: Path) -> set[str]:
    """The modules that a file imports by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_the_handlers_and_their_tests_know_only_the_public_modules() -> None:
    files = sorted(HANDLERS.rglob("*.py"))
    ours = {name for file in files for name in imported(file) if name.split(".")[0] in ("cqworker", "tests")}
    assert "cqworker" in ours
    assert ours <= {"cqworker", "cqworker.testing"}
