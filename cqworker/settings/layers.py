"""Single values and where they came from, laid over one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cqworker.settings.schema import SettingPath


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One value that somebody gave; `origin` is a file's path, a variable's name or a flag."""

    path: tuple[str, ...]
    value: object = field(repr=False)
    origin: str


def flatten(path: tuple[str, ...], value: object, origin: str) -> Iterator[SettingValue]:
    """The single values in the tables of `value`, each with its path below `path`; a list is one value."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from flatten((*path, str(key)), inner, origin)
    else:
        yield SettingValue(path, value, origin)


def tree_of(values: Iterable[SettingValue]) -> dict[str, object]:
    """The values as one tree, later ones over earlier ones; a table never replaces what is no table."""
    tree: dict[str, object] = {}
    for one in values:
        table: object = tree
        for key in one.path[:-1]:
            table = table.setdefault(key, {}) if isinstance(table, dict) else None
        if isinstance(table, dict) and not (one.value == {} and one.path[-1] in table):
            table[one.path[-1]] = one.value
    return tree


def origin_of(path: SettingPath, values: Iterable[SettingValue], otherwise: str) -> str:
    """Where the value at `path` came from: the last that set it, a table around it, or something below it.

    `otherwise` where nothing set it.
    """
    origin, closeness = otherwise, 0
    for one in values:
        if one.path == path[: len(one.path)]:
            near = len(one.path) + 1
        elif path == one.path[: len(path)]:
            near = 1
        else:
            continue
        if near >= closeness:
            origin, closeness = one.origin, near
    return origin
