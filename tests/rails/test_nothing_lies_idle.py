"""What an object keeps for itself is read by somebody: a value that is only handed in and put away does nothing."""

from __future__ import annotations

import ast

from tests.rails.source import modules


def kept_and_never_read(tree: ast.Module) -> list[str]:
    """The private attributes that a module sets and never reads."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    read = {node.attr for node in nodes if isinstance(node.ctx, ast.Load)}
    kept = {node.attr for node in nodes if isinstance(node.ctx, ast.Store)}
    return sorted(name for name in kept - read if name.startswith("_") and not name.startswith("__"))


def test_every_private_attribute_is_read_where_it_is_kept() -> None:
    idle = {path: names for path, tree in modules().items() if (names := kept_and_never_read(tree))}
    assert idle == {}


def test_an_attribute_that_is_only_put_away_is_found() -> None:
    code = "def keep(self, a, b):\n    self._a, self._b = a, b\n\n\ndef give(self):\n    return self._a\n"
    assert kept_and_never_read(ast.parse(code)) == ["_b"]
