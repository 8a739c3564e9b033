"""A number with a name says what it counts, in the docstring below it or by a unit in its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from tests.rails.source import modules

UNITS = ("_MS", "_SECONDS", "_BYTES", "_DAYS")


def numbers_without_words(tree: ast.Module) -> Iterator[str]:
    """The public numbers of a module below which nothing is said."""
    for node, below in pairwise([*tree.body, ast.Pass()]):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(target, ast.Name) or not target.id.isupper() or target.id.startswith("_"):
            continue
        value = getattr(node, "value", None)
        is_number = isinstance(value, ast.Constant) and type(value.value) in (int, float)
        is_told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if is_number and not is_told and not target.id.endswith(UNITS):
            yield target.id


def test_every_public_number_says_what_it_counts() -> None:
    found = {path: names for path, tree in modules().items() if (names := list(numbers_without_words(tree)))}
    assert found == {}


def test_a_number_without_words_is_found() -> None:
    code = 'MOST = 9\nLEAST: int = 1\n"""Jobs of a batch."""\nLEASE_SECONDS = 60\n_OWN = 3\nNAME = "a"\n'
    assert list(numbers_without_words(ast.parse(code))) == ["MOST"]
