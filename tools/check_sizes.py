"""Refuses files over 300 lines and functions over 40."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LIMIT = 300
FUNCTION_LIMIT = 40
SOURCES = ("bench", "cqworker", "handlers", "tests", "tools", "hatch_build.py")


def python_files(root: Path) -> list[Path]:
    """All Python files of the project under `root`, sorted."""
    tops = [root / name for name in SOURCES]
    return sorted(file for top in tops for file in ([top] if top.is_file() else top.rglob("*.py")))


def findings(file: Path) -> Iterator[str]:
    """One line for each thing in `file` that has grown too long."""
    text = file.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    if lines > FILE_LIMIT:
        yield f"{file}: {lines} lines, {FILE_LIMIT} allowed: split it by duty"
    for node in ast.walk(ast.parse(text, str(file))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LIMIT:
                yield f"{file}:{node.lineno}: {node.name} has {length} lines, {FUNCTION_LIMIT} allowed"


def main() -> int:
    """Prints every finding under the current directory; 1 when there is one."""
    files = python_files(Path())
    found = [line for file in files for line in findings(file)]
    print("\n".join(found) if found else f"sizes: {len(files)} files within their limits")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
