"""An extension of Griffe: what the code tells help() of a record's fields stands with them in the reference."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from griffe import Class, Docstring, Extension

DECORATOR = "document_fields"
SLOTS = "__slots__"


class FieldDocs(Extension):  # type: ignore[misc] # Griffe is not installed where mypy runs
    """Reads cqworker.field_docs.document_fields() and dictionaries of slots without running them."""

    def on_class_members(self, *, node: Any, cls: Class, **_: Any) -> None:
        """Gives each attribute that has no docstring the words that stand for it there, and its plain default."""
        for name, text in meanings_of(node):
            attribute = cls.members.get(name)
            if attribute is not None and attribute.docstring is None:
                attribute.docstring = Docstring(text, parent=attribute)
        for name, default in defaults_of(node):
            if name in cls.members:
                cls.members[name].value = default


def meanings_of(node: object) -> Iterator[tuple[str, str]]:
    """The names of a class's fields and what the class says of them; none where it says nothing."""
    if not isinstance(node, ast.ClassDef):
        return
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == DECORATOR:
            for keyword in call.keywords:
                yield str(keyword.arg), ast.literal_eval(keyword.value)
    for line in node.body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Dict) and ast.unparse(line.targets[0]) == SLOTS:
            for name, text in zip(line.value.keys, line.value.values, strict=True):
                if isinstance(name, ast.Constant):
                    yield str(name.value), ast.literal_eval(text)


def defaults_of(node: object) -> Iterator[tuple[str, str | None]]:
    """The fields of a class with metadata, which is for programs, and their defaults; None where there is none."""
    for line in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Call):
            said = {keyword.arg: keyword.value for keyword in line.value.keywords}
            if "metadata" in said:
                yield ast.unparse(line.target), ast.unparse(said["default"]) if "default" in said else None
