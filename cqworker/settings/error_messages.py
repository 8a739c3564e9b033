"""What pydantic found wrong, as messages for people who write configurations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cqworker.settings.layers import SettingValue, origin_of
from cqworker.settings.schema import meaning_of, name_of, requirement_of
from cqworker.settings.unknown_keys import unknown_key_fault

MAX_SHOWN_VALUE = 60
"""Characters of a wrong value that a message repeats."""
WRONG_FORM = frozenset({"string_pattern_mismatch", "string_too_short", "string_too_long"})
"""Pydantic's types of errors about a text's form, which the setting's description explains better than a pattern."""


def faults_of(error: ValidationError, values: Sequence[SettingValue]) -> Iterator[str]:
    """One sentence for each mistake: where it stands, what is wrong, what to write instead."""
    for detail in error.errors(include_url=False):
        yield f"{origin_of(detail['loc'], values, 'the defaults')}: {_sentence(detail)}"


def _sentence(detail: ErrorDetails) -> str:
    path = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return unknown_key_fault(path)
    if detail["type"] == "missing":
        return f"{name_of(path)} is missing. {meaning_of(path)}"
    if detail["type"] == "value_error" and not isinstance(detail["input"], bool):
        return f"{name_of(path)}: {detail['ctx']['error']}."
    if detail["type"] in WRONG_FORM:
        return f"{name_of(path)}{_shown(detail)} does not have the right form. {meaning_of(path)}"
    return f"{name_of(path)}{_shown(detail)} must be {requirement_of(path)}. {meaning_of(path)}".rstrip()


def _shown(detail: ErrorDetails) -> str:
    """The value, unless it may be a secret: who mistakes `sha256` writes the token there."""
    if "tokens" in detail["loc"]:
        return ""
    text = json.dumps(detail["input"], ensure_ascii=False, default=str)
    return f" = {text}" if len(text) <= MAX_SHOWN_VALUE else f" = {text[:MAX_SHOWN_VALUE]}…"
