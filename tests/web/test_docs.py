"""What docs/http.md says of calls and problems is what the tables say."""

from __future__ import annotations

from pathlib import Path

from cqworker.web.problems import Kind
from cqworker.web.routes import CALLS

TEXT = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def test_every_problem_type_stands_in_the_table_with_its_status_and_title() -> None:
    rows = {line for line in TEXT.splitlines() if line.startswith("| `")}
    assert {f"| `{kind.slug}` | {kind.status} | {kind.title} |" for kind in Kind} <= rows


def test_every_call_stands_in_the_table_with_its_scope() -> None:
    for row in CALLS:
        assert f"| `{row.method} {row.path}` | {row.scope or ''}".rstrip() in TEXT
