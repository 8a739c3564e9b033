"""What docs/http.md says of calls and problems is what the tables say."""

from __future__ import annotations

from pathlib import Path

from cqworker.web.problems import ProblemKind
from cqworker.web.routes import ROUTES

TEXT = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def test_every_problem_type_stands_in_the_table_with_its_status_and_title() -> None:
    rows = {line for line in TEXT.splitlines() if line.startswith("| `")}
    assert {f"| `{kind.slug}` | {kind.status} | {kind.title} |" for kind in ProblemKind} <= rows


def test_every_call_stands_in_the_table_with_its_scope() -> None:
    for row in ROUTES:
        assert f"| `{row.method} {row.path}` | {row.scope or ''}".rstrip() in TEXT
