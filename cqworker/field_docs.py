"""The meaning of each field of a public record, where help() finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

C = TypeVar("C", bound=type[Any])


def document_fields(**meanings: str) -> Callable[[C], C]:
    """Gives each field of a record with slots its meaning.

    help() shows what a dictionary of slots says of each (Python, "__slots__"); dataclasses and Structs make theirs a
    tuple. Raises TypeError where a field is left out or there is none of a name.
    """

    def describe(record: C) -> C:
        names = set(record.__slots__)
        if wrong := names ^ meanings.keys():
            raise TypeError(f"{record.__name__} and its description do not agree on {', '.join(sorted(wrong))}.")
        record.__slots__ = meanings
        return record

    return describe
