"""Bodies with the fields of our own records: what describes a job and what hands it out have one definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field as RecordField
from dataclasses import fields
from types import NoneType
from typing import Any, TypeVar, Union, cast, get_args, get_type_hints

from pydantic import BaseModel, Field, create_model

from cqworker.model.public_job import LEFT_OUT, MARKS, PART

Body = TypeVar("Body", bound=BaseModel)


def take_fields(
    record: type[Any], part: str | None = None, **bodies: type[BaseModel]
) -> Callable[[type[Body]], type[Body]]:
    """Gives a body the fields of a record, then those of its own; of two of one name its own is taken.

    Taken are those that as JSON stand in this `part` of the record, or in none. `bodies`, by the names of the records
    that they describe, stand where this record holds one of those.
    """

    def fill(body: type[Body]) -> type[Body]:
        hints = get_type_hints(record, localns=bodies)
        taken = {
            each.name: _described(each, hints[each.name]) for each in fields(record) if each.metadata.get(PART) == part
        }
        own = {name: (field.annotation, field) for name, field in body.model_fields.items()}
        members: dict[str, Any] = taken | own
        base = cast("tuple[type[Body], ...]", body.__bases__)
        return create_model(body.__name__, __base__=base, __module__=body.__module__, __doc__=body.__doc__, **members)

    return fill


def _described(field: RecordField[Any], hint: Any) -> tuple[Any, Any]:
    """The type of a field and its limits; only a field that is left out has a default here, too."""
    limits: dict[str, Any] = {name: limit for name, limit in field.metadata.items() if name not in MARKS}
    if not field.metadata.get(LEFT_OUT):
        return hint, Field(**limits)
    kinds = tuple(kind for kind in get_args(hint) if kind is not NoneType)
    return Union[kinds], Field(default=field.default, **limits)  # noqa: UP007 - of as many as there are
