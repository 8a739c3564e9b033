"""Several processes collect the tests and must find the same: none is named by the time of its collection."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.rails.pages import ROOT

NOW = re.compile(r"\b(now|today|time|time_ns|utcnow)\(")


def times_of(tree: ast.Module) -> set[str]:
    """The module's constants that are made of the time of its import, and those that are made of these."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
            if NOW.search(ast.unparse(node.value)) or names & found:
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def plain_names(node: ast.AST) -> Iterator[str]:
    """The names in what a test is named by: pytest writes texts, numbers and the like out, others by their place."""
    if isinstance(node, ast.Name):
        yield node.id
    if not isinstance(node, ast.Dict | ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from plain_names(child)


def named_by_time(text: str) -> list[str]:
    """The constants made of the time of import by which a test of this module is named."""
    tree = ast.parse(text)
    times, found = times_of(tree), []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        is_named = any(keyword.arg == "ids" for keyword in call.keywords)
        if ast.unparse(call.func).endswith("parametrize") and not is_named:
            found += [name for each in call.args[1:] for name in plain_names(each) if name in times]
    return found


def test_no_test_is_named_by_the_time_of_its_collection() -> None:
    found = {}
    for path in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("handlers/tests/**/*.py")]:
        if names := named_by_time(path.read_text(encoding="utf-8")):
            found[path.relative_to(ROOT).as_posix()] = names
    assert found == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('SOON = f"{datetime.now()}"\n@pytest.mark.parametrize("until", [SOON, "never"])\ndef test(): ...', ["SOON"]),
        ('A = time.time()\nB = [A]\n@pytest.mark.parametrize("until", B)\ndef test(): ...', ["B"]),
        ('A = time.time()\n@pytest.mark.parametrize("ask", [{"run_at": A}])\ndef test(): ...', []),
        ('A = time.time()\n@pytest.mark.parametrize("until", [A], ids=["soon"])\ndef test(): ...', []),
        ('SOON = "soon"\n@pytest.mark.parametrize("until", [SOON])\ndef test(): ...', []),
    ],
)
def test_a_test_that_is_named_by_it_is_found(text: str, names: list[str]) -> None:
    assert named_by_time(text) == names
