"""What a job may be unique by, and the key that this makes: the hash of JSON, of one tenant and one type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, get_args

from cqworker.enums import UniqueScopeName
from cqworker.field_docs import document_fields
from cqworker.model.job_limits import MAX_PAUSE, MAX_UNIQUE_FIELDS, MAX_UNIQUE_TEXT
from cqworker.model.timestamps import seconds_of


@document_fields(
    by="Names of payload fields, or a text; None: the whole payload.",
    scope="until_finished, until_started or window.",
    window="Seconds of a window; 0 with another scope.",
)
@dataclass(frozen=True, slots=True, init=False)
class Unique:
    """What a job is unique by, and for how long: among the jobs of its tenant and its type.

    `by` names fields of the payload, or is a text of your own; None: the whole payload. The scope says until when the
    job keeps others with the same from being made: "until_finished", "until_started", or for a `window` of seconds (or
    a timedelta) from its submission, whatever becomes of it. Raises TypeError or ValueError for what makes no key.
    """

    by: str | tuple[str, ...] | None
    scope: UniqueScopeName
    window: int

    def __init__(
        self,
        by: str | Sequence[str] | None = None,
        *,
        scope: UniqueScopeName | None = None,
        window: float | timedelta | None = None,
    ) -> None:
        fields = by if by is None or isinstance(by, str) else _fields_of(by)
        if fields is not None and not _fits(fields):
            raise ValueError(
                f"by takes 1 to {MAX_UNIQUE_FIELDS} names of payload fields, or a text of 1 to {MAX_UNIQUE_TEXT} "
                f"characters, not {by!r}."
            )
        word = scope or ("until_finished" if window is None else "window")
        if word not in get_args(UniqueScopeName):
            raise ValueError(f"scope takes {', '.join(get_args(UniqueScopeName))}, not {scope!r}.")
        seconds = 0 if window is None else seconds_of(window)
        is_window = word == "window" and 0 < seconds <= MAX_PAUSE
        if not is_window and (word == "window" or window is not None):
            raise ValueError(
                f"The scope window goes with window=seconds, above 0 up to {MAX_PAUSE} (366 days), and no other scope "
                f"does; this is scope={word!r}, window={window!r}."
            )
        for name, value in (("by", fields), ("scope", str(word)), ("window", -int(-seconds // 1))):
            object.__setattr__(self, name, value)

    def key_of(self, tenant: str, job_type: str, payload: object) -> str:
        """The key of a job of this payload.

        Raises ValueError, in a sentence, where the payload lacks a field: whoever lacks one would be the same job.
        """
        if self.by is None:
            return hash_of_payload(tenant, job_type, payload)
        if isinstance(self.by, str):
            return hash_of_text(tenant, job_type, self.by)
        known = payload if isinstance(payload, Mapping) else {}
        if lacking := [name for name in self.by if name not in known]:
            raise ValueError(
                f"the payload has no field {', '.join(lacking)}; name fields that every job has, for jobs without one "
                "would all be the same"
            )
        return hash_of_fields(tenant, job_type, {name: known[name] for name in self.by})


def unique_terms(unique: Unique | None) -> dict[str, object] | None:
    """The same as a submission over HTTP says it; of a window its seconds."""
    if unique is None:
        return None
    by = list(unique.by) if isinstance(unique.by, tuple) else unique.by
    return {"by": by, "scope": unique.scope, "window_seconds": unique.window or None}


def _fields_of(by: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(by, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in by):
        raise TypeError(f"by takes names of payload fields or a text, not {by!r}.")
    return tuple(sorted(set(by)))


def _fits(by: str | tuple[str, ...]) -> bool:
    texts = (by,) if isinstance(by, str) else by
    are_short = all(1 <= len(each) <= MAX_UNIQUE_TEXT for each in texts)
    return are_short and 1 <= len(texts) <= MAX_UNIQUE_FIELDS


def hash_of_fields(tenant: str, job_type: str, fields: Mapping[str, Any]) -> str:
    """The key of these fields of a payload, for one tenant's jobs of one type."""
    return _hash_of(tenant, job_type, {"fields": fields})


def hash_of_payload(tenant: str, job_type: str, payload: object) -> str:
    """The key of a whole payload, for one tenant's jobs of one type."""
    return _hash_of(tenant, job_type, {"payload": payload})


def hash_of_text(tenant: str, job_type: str, text: str) -> str:
    """The key of a text that somebody chose, for one tenant's jobs of one type."""
    return _hash_of(tenant, job_type, {"text": text})


def _hash_of(tenant: str, job_type: str, by: Mapping[str, object]) -> str:
    """Of JSON, not of a concatenation: no two keys are made of the same characters."""
    asked = json.dumps([tenant, job_type, by], sort_keys=True, separators=(",", ":"))
    return sha256(asked.encode()).hexdigest()
