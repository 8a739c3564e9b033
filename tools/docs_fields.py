"""An extension of Griffe: what `document_fields()` says of a record's fields stands with them in the reference."""

from __future__ import annotations

import ast
from typing import Any

from griffe import Class, Docstring, Extension

DECORATOR = "document_fields"


class FieldDocs(Extension):  # type: ignore[misc] # Griffe is not installed where mypy runs
    """Reads cqworker.field_docs.document_fields() without running it."""

    def on_class_members(self, *, node: Any, cls: Class, **_: Any) -> None:
        """Gives each attribute that has no docstring the words of the decorator."""
        for name, text in meanings_of(node).items():
            attribute = cls.members.get(name)
            if attribute is not None and attribute.docstring is None:
                attribute.docstring = Docstring(text, parent=attribute)


def meanings_of(node: object) -> dict[str, str]:
    """The fields' names and meanings in the decorator of a class; none without one."""
    if not isinstance(node, ast.ClassDef):
        return {}
    calls = [call for call in node.decorator_list if isinstance(call, ast.Call)]
    return {
        keyword.arg: str(ast.literal_eval(keyword.value))
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == DECORATOR
        for keyword in call.keywords
        if keyword.arg is not None
    }
