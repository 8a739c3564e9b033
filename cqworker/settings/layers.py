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
    """`value` taken apart into what stands in its tables; a list is one value."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from flatten((*path, str(key)), inner, origin)
    else:
        yield SettingValue(path, value, origin)


def tree_of(givens: Iterable[SettingValue]) -> dict[str, object]:
    """The values as one tree, later ones over earlier ones; a table never replaces what is no table."""
    tree: dict[str, object] = {}
    for given in givens:
        table: object = tree
        for key in given.path[:-1]:
            table = table.setdefault(key, {}) if isinstance(table, dict) else None
        if isinstance(table, dict) and not (given.value == {} and given.path[-1] in table):
            table[given.path[-1]] = given.value
    return tree


def origin_of(path: SettingPath, givens: Iterable[SettingValue], otherwise: str) -> str:
    """Where the value at `path` came from: the last that set it, a table around it, or something below it."""
    origin, closeness = otherwise, 0
    for given in givens:
        if given.path == path[: len(given.path)]:
            near = len(given.path) + 1
        elif path == given.path[: len(path)]:
            near = 1
        else:
            continue
        if near >= closeness:
            origin, closeness = given.origin, near
    return origin
