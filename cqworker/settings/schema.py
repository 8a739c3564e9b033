"""Which settings there are: their JSON Schema, walked by path and described for people."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from cqworker.settings.settings import Settings

SettingPath = tuple[str | int, ...]
"""The keys, and in lists the indices, that lead to a setting."""
SchemaNode = dict[str, Any]
"""A part of a JSON Schema."""
TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}
"""What JSON Schema's types are called in messages."""
PREFIX = "CQWORKER_"
"""How the name of every variable begins that is a setting."""


def name_of(path: SettingPath) -> str:
    """The path as the documentation writes it, such as queues[0].name or handlers.types."text.transform".timeout."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            name += f".{step}" if step.replace("_", "a").isalnum() else f'."{step}"'
    return name.removeprefix(".")


def node_at(path: SettingPath) -> SchemaNode | None:
    """The schema of what stands at `path`, None where nothing may."""
    node: SchemaNode | None = _schema()
    for step in path:
        if node is None:
            return None
        node = _child(_dereference(node), step)
    return None if node is None else _dereference(node)


def requirement_of(path: SettingPath) -> str:
    """What a value at `path` must be, such as "a whole number from 0 to 20"."""
    node = node_at(path) or {}
    if "enum" in node:
        return "one of " + ", ".join(node["enum"])
    return " ".join(filter(None, (TYPE_NAMES.get(node.get("type", ""), "a value"), _range(node))))


def meaning_of(path: SettingPath) -> str:
    """The description of the setting at `path`, or ""."""
    return str((node_at(path) or {}).get("description", ""))


def leaves() -> Iterator[tuple[tuple[str, ...], SchemaNode]]:
    """Every setting that a single environment variable can give, and its schema."""
    yield from _leaves((), _schema())


@cache
def variables() -> dict[str, tuple[str, ...]]:
    """The names of all environment variables that are settings, and the paths they set."""
    return {PREFIX + "__".join(path).upper(): path for path, _ in leaves()}


@cache
def _schema() -> SchemaNode:
    return Settings.model_json_schema()


def _dereference(node: SchemaNode) -> SchemaNode:
    """The schema behind a reference, or beside "or null"."""
    if "anyOf" in node:
        rest = {name: value for name, value in node.items() if name != "anyOf"}
        option = next(option for option in node["anyOf"] if option.get("type") != "null")
        return {**_dereference(option), **rest}
    if "$ref" in node:
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return {**_schema()["$defs"][node["$ref"].rpartition("/")[2]], **rest}
    return node


def _child(node: SchemaNode, step: str | int) -> SchemaNode | None:
    if isinstance(step, int):
        return node.get("items")
    found = node.get("properties", {}).get(step, node.get("additionalProperties"))
    return found if isinstance(found, dict) else None


def _leaves(path: tuple[str, ...], node: SchemaNode) -> Iterator[tuple[tuple[str, ...], SchemaNode]]:
    node = _dereference(node)
    if "properties" not in node:
        yield path, node
    for key, child in node.get("properties", {}).items():
        yield from _leaves((*path, key), child)


def _range(node: SchemaNode) -> str:
    low, above, high = node.get("minimum"), node.get("exclusiveMinimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}" if high < 1_000_000 else f"from {low} to {high}"
    bounds = [
        f"of at least {low:g}" if low is not None else "",
        f"above {above:g}" if above is not None else "",
        f"of at most {high:g}" if high is not None else "",
    ]
    return " and ".join(filter(None, bounds))
