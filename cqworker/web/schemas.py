"""JSON schemas as generators of clients bear them: one component a model, no titles, nothing said that is not so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from cqworker.web.answers import Answer
from cqworker.web.examples import OF_A_MODEL

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
OF_ONE = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
          "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
OF_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
BY_NAME = ("$defs", "dependentSchemas", "patternProperties", "properties")
"""Where a schema holds others (JSON Schema 2020-12, section 10). Elsewhere, in a `default` say, it is data."""


class Plain(GenerateJsonSchema):
    """Writes no titles, which generators take for names of classes, and no default that says "nothing"."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if described.get("default", 0) in (None, "", [], {}):
            described = {name: value for name, value in described.items() if name != "default"}
        return described

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """A double: without a format some languages take a number for one of 32 bits."""
        return super().float_schema(schema) | {"format": "double"}


def model_schemas(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """The components of these models and of what they hold, by name.

    An answer may get keys in a later version; what is asked with may hold no others.
    """
    ordered = sorted(set(models), key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=REFERENCE, schema_generator=Plain
    )
    components: dict[str, Schema] = definitions["$defs"]
    for name in _answers(Answer):
        components.get(name, {}).pop("additionalProperties", None)
    return {name: plain(schema) | _example(name) for name, schema in components.items()}


def _example(name: str) -> Schema:
    return {"examples": [OF_A_MODEL[name]]} if name in OF_A_MODEL else {}


def _answers(model: type[BaseModel]) -> Iterator[str]:
    for heir in model.__subclasses__():
        yield heir.__name__
        yield from _answers(heir)


def reference(name: str) -> Schema:
    """A schema that is another component."""
    return {"$ref": REFERENCE.format(model=name)}


def plain(schema: Schema) -> Schema:
    """The schema without titles and without names of its own for itself, which would move its references."""
    for part in parts(schema):
        for word in ("title", "$schema", "$id", "$anchor", "$dynamicAnchor"):
            part.pop(word, None)
    return schema


def parts(schema: object) -> Iterator[Schema]:
    """The schema and every one within it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in OF_ONE:
        yield from parts(schema.get(name))
    for name in OF_MANY:
        for part in _list(schema.get(name)):
            yield from parts(part)
    for name in BY_NAME:
        held = schema.get(name)
        for part in held.values() if isinstance(held, Mapping) else ():
            yield from parts(part)


def _list(held: object) -> list[object]:
    return held if isinstance(held, list) else []
