"""A value for every field, made from its type: a field that is added is in every test of this folder by itself."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, structs

NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z in epoch ms."""
PLAIN = {str: "{name}-1", float: 2.5, bool: True}


def fields_of(kind: type[Any]) -> dict[str, Any]:
    """The names and types of what a struct, dataclass or pydantic model is made of."""
    hints = get_type_hints(kind, include_extras=True)
    if issubclass(kind, Struct):
        return {name: hints[name] for name in kind.__struct_fields__}
    if dataclasses.is_dataclass(kind):
        return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
    return {name: hints[name] for name in kind.model_fields}


def full(kind: type[Any], /, **fixed: object) -> Any:
    """One of this kind, none of whose fields has its default; `fixed` are those that rules beyond their type bind."""
    made = kind(**samples_of(kind, **fixed))
    same = [name for name, default in defaults_of(kind).items() if getattr(made, name) == default]
    assert not same, f"{kind.__name__}: {same} have their default; give them another value here"
    return made


def samples_of(kind: type[Any], /, **fixed: object) -> dict[str, Any]:
    """The values of such a one, by field; raises TypeError for a type that nobody has thought of."""
    fields = fields_of(kind)
    assert fixed.keys() <= fields.keys(), f"{kind.__name__} has no {sorted(fixed.keys() - fields.keys())}"
    numbered = enumerate(fields.items())
    return {name: fixed[name] if name in fixed else sample(hint, name, number) for number, (name, hint) in numbered}


def sample(hint: Any, name: str, number: int) -> Any:  # noqa: C901 - one row a type
    """A value that no field has by default; small numbers are neighbours, so that none passes for the next one's."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return sample(next(kind for kind in arguments if kind is not NoneType), name, number)
    if origin is Annotated:
        return sample(arguments[0], name, number)
    if origin is Literal:
        return arguments[-1]
    if origin is tuple:
        return (sample(arguments[0], name, number),)
    if origin in (list, Sequence):
        return [sample(arguments[0], name, number)]
    if origin in (dict, Mapping):
        return {f"{name}-key": sample(arguments[1], name, number)}
    if hint in (Any, object):
        return {"some": name}
    if hint is int:
        return NOW + number if name.endswith("_at") else 2 + number % 7
    if hint is datetime:
        return datetime.fromtimestamp(NOW / 1000 + number, UTC)
    if hint in (str, float, bool):
        value = PLAIN[hint]
        return value.format(name=name.replace("_", "-")) if isinstance(value, str) else value
    if inspect.isclass(hint) and issubclass(hint, Enum):
        return list(hint)[-1]
    if inspect.isclass(hint) and (issubclass(hint, Struct) or dataclasses.is_dataclass(hint)):
        return full(hint)
    raise TypeError(f"no value for {name}: {hint}. Say in tests/rails/samples.py how one is made.")


def lost(before: object, after: object, names: Sequence[str]) -> dict[str, str]:
    """The fields that are not what they were, with what they were and what they are."""
    there = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return {name: f"{was!r} became {now!r}" for name, (was, now) in there.items() if was != now}


def defaults_of(kind: type[Any]) -> dict[str, Any]:
    """What the fields of a struct or a dataclass are where nobody says anything."""
    fields: Any = structs.fields(kind) if issubclass(kind, Struct) else dataclasses.fields(kind)
    nothing = (NODEFAULT, dataclasses.MISSING)
    made = {field.name: field.default_factory() for field in fields if field.default_factory not in nothing}
    return made | {field.name: field.default for field in fields if field.default not in nothing}
