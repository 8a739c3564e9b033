"""What each job type asks for, as components of the description: its payload, and a submission that carries one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import orjson

from cqworker.model.job_limits import MAX_TYPE
from cqworker.plugins.loaded_handlers import Handler
from cqworker.plugins.registry import Registry
from cqworker.web.openapi_schemas import REFERENCE, PlainJsonSchema, Schema, reference, simplify, subschemas

_WORD = re.compile(r"[A-Za-z0-9]+")
_LIST = REFERENCE.format(model="")


@dataclass(frozen=True, slots=True)
class DescribedType:
    """A job type: the stem of its components' names, its payload's schema, and the components that this refers to."""

    type: str
    stem: str
    description: str | None
    payload: Schema
    components: Mapping[str, Schema]


def describe_types(registry: Registry) -> list[DescribedType]:
    """The types that can be submitted here; one whose model has no schema takes any payload in the description."""
    described: list[DescribedType] = []
    taken: set[str] = set()
    for name in sorted(name for name in registry.handlers if len(name) <= MAX_TYPE):
        one = _describe_type(registry.handlers[name], _stem(name, taken), taken)
        taken |= {one.stem.lower(), *(component.lower() for component in one.components)}
        described.append(one)
    return described


def variants(ask: Schema, ending: str, types: list[DescribedType]) -> dict[str, Schema]:
    """Components for `ask`, the schema of a submission: one for each type, under a name with this ending."""
    return {f"{one.stem}{ending}": _variant(ask, one) for one in types}


def one_of(ending: str, types: list[DescribedType], description: str) -> Schema:
    """A submission of any of these types, told apart by its `type`."""
    references = {one.type: reference(f"{one.stem}{ending}") for one in types}
    mapping = {name: there["$ref"] for name, there in references.items()}
    told_apart = {"propertyName": "type", "mapping": mapping}
    return {"description": description, "oneOf": list(references.values()), "discriminator": told_apart}


def _variant(ask: Schema, one: DescribedType) -> Schema:
    variant = deepcopy(ask)
    variant["description"] = one.description or f"A job of the type {one.type}."
    variant["properties"] |= {"type": {"type": "string", "const": one.type}, "payload": one.payload}
    payload = one.components.get(f"{one.stem}Payload", {})
    if examples := payload.get("examples"):
        variant["examples"] = [{"type": one.type, "payload": example} for example in examples]
    return variant


def _stem(type_name: str, taken: set[str]) -> str:
    """`text.transform` is TextTransform; what is no word of ASCII letters, or taken already, gets a number."""
    words = "".join(word[:1].upper() + word[1:] for word in _WORD.findall(type_name))
    stem = words if words[:1].isalpha() else f"Type{words}"
    numbered, number = stem, 2
    while numbered.lower() in taken:
        numbered, number = f"{stem}{number}", number + 1
    return numbered


def _describe_type(handler: Handler, stem: str, taken: Collection[str]) -> DescribedType:
    try:
        payload, components = _payload(handler, f"{stem}Payload")
        if any(component.lower() in taken for component in components):
            payload, components = {}, {}
    except Exception:  # noqa: BLE001  # some models (validators around any object) have no schema and work
        payload, components = {}, {}
    return DescribedType(handler.type, stem, handler.description, payload, components)


def _payload(handler: Handler, name: str) -> tuple[Schema, dict[str, Schema]]:
    """The schema to use and its components, all named after the type; raises where they do not hold together."""
    whole: dict[str, Any] = handler.payload_model.json_schema(
        ref_template=REFERENCE.format(model=f"{name}{{model}}"), schema_generator=PlainJsonSchema
    )
    components = {f"{name}{model}": simplify(schema) for model, schema in whole.pop("$defs", {}).items()}
    whole = simplify(whole)
    orjson.dumps([whole, components])
    known = {_LIST + component for component in components}
    wanted = {part["$ref"] for schema in (whole, *components.values()) for part in subschemas(schema) if "$ref" in part}
    if not wanted <= known:
        raise ValueError(f"{sorted(wanted - known)} is nowhere")
    if set(whole) == {"$ref"}:
        return whole, components
    return reference(name), components | {name: whole}
