"""A payload's JSON text against its handler's model."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from cqworker.errors import InvalidPayload, PayloadFault
from cqworker.model.json_pointer import pointer_of
from cqworker.plugins.exception_text import one_line, summary_of

MAX_FAULTS = 20
"""Faults of a payload that are listed: a person mends those first."""
LIGHT_BYTES = 32_768
"""Bytes of JSON that are read against a model at once, unless they hold more values than LIGHT_VALUES."""
LIGHT_VALUES = 1000
"""Values in them. A list of a thousand wrong ones costs 3 ms (10 where a model tries three types for each).

Python's lock is held meanwhile: in a thread of the same process a long text would stop the leases all the same.
"""
_NOT_JSON = "This is not JSON."
_HINTS: dict[type, str] = {
    str: ": give the object itself, not its text",
    list: ": a list of arguments has no names; give one object",
}
"""What was meant by a payload that is, as a whole, none."""


def validate_payload(model: TypeAdapter[Any], payload: str) -> Any:
    """The model's instance for a payload's JSON text.

    Pydantic's own rules for JSON hold (lax mode: a number may come as a string) but for NaN and Infinity, which
    RFC 8259 does not know. Raises InvalidPayload, and nothing else, for any text.
    """
    try:
        if "NaN" in payload or "Infinity" in payload:
            orjson.loads(payload)
        return model.validate_json(payload)
    except orjson.JSONDecodeError as error:
        raise InvalidPayload((PayloadFault("", _NOT_JSON),)) from error
    except ValidationError as error:
        raise InvalidPayload(_faults(error, payload)) from error
    except Exception as error:  # the model may run code of the plugin's, and the text may be no Unicode
        raise InvalidPayload((PayloadFault("", f"The payload could not be read: {summary_of(error)}"),)) from error


def is_light(text: str | bytes) -> bool:
    """Whether reading this JSON against any model of fields cannot take long, whatever it says."""
    if len(text) > LIGHT_BYTES:
        return False
    if isinstance(text, str):
        return sum(map(text.count, ",:[{")) <= LIGHT_VALUES
    return sum(map(text.count, b",:[{")) <= LIGHT_VALUES


def _faults(error: ValidationError, payload: str) -> tuple[PayloadFault, ...]:
    document = _parse_or_none(payload)
    details = error.errors(include_url=False, include_context=False, include_input=False)
    faults = [
        PayloadFault(
            _pointer(detail["loc"], document, missing=detail["type"] == "missing"),
            one_line(detail["msg"]) + (_HINTS.get(type(document), "") if not detail["loc"] else ""),
        )
        for detail in details[:MAX_FAULTS]
    ]
    return tuple(dict.fromkeys(faults))


def _parse_or_none(payload: str) -> object:
    try:
        return orjson.loads(payload)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def _pointer(location: tuple[int | str, ...], document: Any, *, missing: bool) -> str:
    """The RFC 6901 pointer of a fault: pydantic's location without the names of unions, tags and validators."""
    parts: list[int | str] = []
    here = document
    for part in location[:-1] if missing else location:
        if _has(here, part):
            here = here[part]
            parts.append(part)
    if missing:
        parts.append(location[-1])
    return pointer_of(parts)


def _has(place: object, part: int | str) -> bool:
    if isinstance(part, int):
        return isinstance(place, list) and part < len(place)
    return isinstance(place, dict) and part in place
