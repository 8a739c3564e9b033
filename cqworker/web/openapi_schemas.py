"""JSON schemas as generators of clients need them: one component for each model, no titles, no wrong defaults."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from cqworker.web.response_models import ResponseBody
from cqworker.web.schema_examples import MODEL_EXAMPLES

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
SCHEMA_KEYWORDS = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
          "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
LIST_KEYWORDS = ("allOf", "anyOf", "oneOf", "prefixItems")
MAP_KEYWORDS = ("$defs", "dependentSchemas", "patternProperties", "properties")
"""Where a schema holds others (JSON Schema 2020-12, section 10). Elsewhere, in a `default` say, it is data."""
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", type(None): "null"}


class PlainJsonSchema(GenerateJsonSchema):
    """Writes no titles, which generators take for names of classes, and which bits a number has."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """A double: without a format some languages take a number for one of 32 bits."""
        return super().float_schema(schema) | {"format": "double"}


def model_schemas(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """The components of these models and of what they hold, by name.

    An answer may get keys in a later version; what is asked with may hold no others.
    """
    ordered = sorted(set(models), key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=REFERENCE, schema_generator=PlainJsonSchema
    )
    components: dict[str, Schema] = definitions["$defs"]
    for name in _subclasses(ResponseBody):
        components.get(name, {}).pop("additionalProperties", None)
    return {name: simplify(schema) | _example(name) for name, schema in components.items()}


def _example(name: str) -> Schema:
    return {"examples": [MODEL_EXAMPLES[name]]} if name in MODEL_EXAMPLES else {}


def _subclasses(model: type[BaseModel]) -> Iterator[str]:
    for heir in model.__subclasses__():
        yield heir.__name__
        yield from _subclasses(heir)


def reference(name: str) -> Schema:
    """A schema that is another component."""
    return {"$ref": REFERENCE.format(model=name)}


def simplify(schema: Schema) -> Schema:
    """The schema without what misleads generators; its default stands in the description.

    They take titles for names of classes, and a field with a default for one that is always there: then a request could
    not leave it out. A name of its own for itself would move a schema's references.
    """
    for part in subschemas(schema):
        for word in ("title", "$schema", "$id", "$anchor", "$dynamicAnchor"):
            part.pop(word, None)
        default = part.pop("default", None)
        if default and "$ref" not in part:
            text = json.dumps(default, ensure_ascii=False)
            part["description"] = f"{part.get('description', '')} Else {text}.".lstrip()
        if "enum" in part and not part.keys() & {"type", "anyOf"}:
            part["anyOf"] = _split_by_type(part.pop("enum"))
    return schema


def _split_by_type(values: list[object]) -> list[Schema]:
    """An enumeration of words and numbers as one of words or one of numbers: many languages have no other."""
    by_type: dict[str, list[object]] = {}
    for value in values:
        by_type.setdefault(_TYPES.get(type(value), "object"), []).append(value)
    return [{"type": name} if name == "null" else {"type": name, "enum": held} for name, held in by_type.items()]


def subschemas(schema: object) -> Iterator[Schema]:
    """The schema and every one within it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name in SCHEMA_KEYWORDS:
        yield from subschemas(schema.get(name))
    for name in LIST_KEYWORDS:
        for part in _list(schema.get(name)):
            yield from subschemas(part)
    for name in MAP_KEYWORDS:
        held = schema.get(name)
        for part in held.values() if isinstance(held, Mapping) else ():
            yield from subschemas(part)


def _list(held: object) -> list[object]:
    return held if isinstance(held, list) else []
