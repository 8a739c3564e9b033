"""What the import contracts in pyproject.toml cannot say, because it is about names and not about modules."""

from __future__ import annotations

import ast

from tests.rails import source

HANDED_TO_HANDLERS = {"Artifacts"}
"""What `execution` may know of the ports: a job's artifacts, and nothing of its message or its record's store."""


def test_what_runs_handlers_names_neither_queue_nor_store() -> None:
    modules = [tree for path, tree in source.modules().items() if path.startswith("execution/")]
    imports = [node for tree in modules for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    of_ports = {alias.name for node in imports if node.module == "cqworker.ports" for alias in node.names}
    assert of_ports == HANDED_TO_HANDLERS
