"""A handler's result as JSON text."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

from cqworker.plugins.exception_text import one_line, summary_of

MAX_DEPTH = 100
"""Levels of a result: the walk over it is a recursion."""
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1
"""The whole numbers that orjson writes: 64 bits, with or without a sign."""
_LEAVES = (bool, datetime, date, time, UUID)
_TABLES = (dict, Mapping)
"""The usual one first: a check against Mapping, an abstract class, takes much longer."""


def encode_result(result: object) -> str:
    """The JSON text of plain data, pydantic models, dataclasses, enums, UUIDs, dates and times (RFC 3339).

    Keys are text; whole numbers, UUIDs, dates and enums are written as text.
    Raises TypeError for what JSON does not have (sets, bytes, other keys, any other object) and
    ValueError for what it cannot carry (NaN, Infinity, lone surrogates, whole numbers beyond 64 bits, nesting beyond
    100 levels), in a sentence of at most 300 characters that says where.
    """
    plain = _to_plain_data(result, "", 0)
    try:
        return orjson.dumps(plain).decode()
    except orjson.JSONEncodeError as error:
        raise ValueError(one_line(f"The result is not JSON: {error}.")) from error


def _to_plain_data(value: Any, at: str, depth: int) -> Any:
    """The value with every model and dataclass opened and everything checked; `at` is where it stands."""
    if value is None or isinstance(value, _LEAVES):
        return value
    if isinstance(value, Enum):
        return _to_plain_data(value.value, at, depth + 1)
    if isinstance(value, str):
        return _text(value, at)
    if isinstance(value, int | float):
        return _number(value, at)
    if depth >= MAX_DEPTH:
        raise ValueError(_fault_text(f"it is nested more than {MAX_DEPTH} levels deep", at[:60]))
    if isinstance(value, _TABLES):
        return _table(value, at, depth)
    if isinstance(value, list | tuple):
        return [_to_plain_data(item, f"{at}/{index}", depth + 1) for index, item in enumerate(value)]
    return _to_plain_data(_fields_of(value, at), at, depth + 1)


def _fields_of(value: Any, at: str) -> Any:
    if isinstance(value, BaseModel):
        try:
            return value.model_dump(mode="json", by_alias=True)
        except Exception as error:  # serializers are the plugin's code
            raise ValueError(_fault_text(summary_of(error), at)) from error
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(_fault_text(f"{type(value).__name__} is no JSON; return plain data or a pydantic model", at))


def _number(value: float, at: str) -> int | float:
    if isinstance(value, int):
        if not _MIN_INT <= value <= _MAX_INT:
            raise ValueError(_fault_text("a whole number beyond 64 bits; return it as text", at))
        return int(value)
    if not math.isfinite(value):
        raise ValueError(_fault_text(f"{float(value)} is no JSON", at))
    return float(value)


def _text(value: str, at: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(_fault_text("text with a lone surrogate, which UTF-8 cannot carry", at)) from error
    return str(value)


def _table(value: Mapping[Any, Any], at: str, depth: int) -> dict[str, Any]:
    table = {_key(key, at): _to_plain_data(item, f"{at}/{key}", depth + 1) for key, item in value.items()}
    if len(table) < len(value):
        raise ValueError(_fault_text("two of its keys read the same as text", at))
    return table


def _key(key: object, at: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return _text(key, at)
    if isinstance(key, int | UUID) and not isinstance(key, bool):
        return str(key)
    if isinstance(key, date):
        return key.isoformat()
    raise TypeError(_fault_text(f"a key is {type(key).__name__}, in JSON a key is text", at))


def _fault_text(fault: str, at: str) -> str:
    place = f" at {at}" if at else ""
    return one_line(f"The result is not JSON{place}: {fault}.")
