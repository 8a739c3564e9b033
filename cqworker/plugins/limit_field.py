"""The field of a payload by which limits count the jobs of a type."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from msgspec import MsgspecError
from msgspec.json import decode

from cqworker.errors import InvalidPayload, PayloadFault
from cqworker.model.json_pointer import pointer_of
from cqworker.model.limits import MAX_LIMIT_KEY


def limit_key_in(payload: str, field: str) -> str:
    """The limit key in this field of a payload's JSON text: a text, or a whole number as its digits.

    Raises InvalidPayload where there is none: jobs without one would have no limit, or all the same.
    """
    body = None
    with suppress(MsgspecError, RecursionError):  # what is no JSON has no field either
        body = decode(payload)
    value = body.get(field) if isinstance(body, Mapping) else None
    key = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_LIMIT_KEY:
        raise InvalidPayload((PayloadFault(pointer_of([field]), _fault_of(body, field, key)),))
    return key


def _fault_of(body: object, field: str, key: object) -> str:
    wanted = f"limits count jobs of this type by it: a text of 1 to {MAX_LIMIT_KEY} characters, or a whole number"
    if not isinstance(body, Mapping) or field not in body:
        return f"is missing; {wanted}"
    return f"has {len(key)} characters; {wanted}" if isinstance(key, str) else f"is neither; {wanted}"
