"""Settings written as a configuration file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
Remark = Callable[[Path], str]
"""What to say behind the value at a path, "" for nothing."""


def toml_lines(table: Mapping[str, Any], remark: Remark = lambda _: "", path: Path = ()) -> Iterator[str]:
    """The lines of a table: its values, then its tables; what is not set is a comment."""
    for key, value in table.items():
        if not _tables_in(value):
            yield _line(key, value, remark((*path, key)))
    for key, value in table.items():
        inner = (*path, key)
        header, remark_here = ("[[{}]]", remark(inner)) if isinstance(value, list) else ("[{}]", "")
        for each in _tables_in(value):
            yield ""
            yield header.format(".".join(map(_name, inner))) + _comment(remark_here)
            yield from toml_lines(each, remark, inner)


def _tables_in(value: object) -> list[Mapping[str, Any]]:
    """The value's tables: itself, or those it lists; an empty one is written like a value."""
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, Mapping) and each]


def _line(key: str, value: object, remark: str) -> str:
    text = f"# {_name(key)} is not set" if value is None else f"{_name(key)} = {_value(value)}"
    return text + _comment(remark)


def _comment(remark: str) -> str:
    return f"  # {remark}" if remark else ""


def _name(key: str) -> str:
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else _value(key)


def _value(value: object) -> str:
    """JSON's strings, numbers and lists are TOML's, but for one character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
