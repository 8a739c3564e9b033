"""The message body: all that is needed to run a job, even when its record was never written."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Annotated, Any

import orjson
from msgspec import UNSET, Meta, MsgspecError, Struct
from msgspec.json import Decoder, decode
from msgspec.structs import replace

from cqworker.model.ids import MAX_JOB_ID

VERSION = 1
MAX_BYTES = 262_144
"""A larger body, with a result beside it, would not fit into a record (DynamoDB: 400 KB an item)."""
MAX_NAME = 256
MAX_COUNT = 1_000_000
LAST_MS = 253_402_300_799_999
"""The end of the year 9999 in epoch ms: later times cannot be written as dates."""
_FIELDS = frozenset(
    "cqworker job_id round type queue tenant payload payload_ref max_attempts metadata tags created_at".split()
)


_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]


class NotAnEnvelope(ValueError):
    """The text is no message of ours; the reason is safe to log."""


class NewerEnvelope(ValueError):
    """The message is ours, of a version that only a newer worker understands."""


class Envelope(Struct, frozen=True, kw_only=True):
    """One job as it travels: `payload` is JSON text, `created_at` epoch ms, `extra` fields unknown to this version."""

    job_id: str
    type: str
    queue: str
    max_attempts: int
    created_at: int
    round: int = 1
    tenant: str = "default"
    payload: str | None = None
    payload_ref: str | None = None
    metadata: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = {}

    def text(self) -> str:
        """The body to send: ASCII-safe for SQS's character set, empty fields left out."""
        body: dict[str, Any] = {**self.extra, "cqworker": VERSION, "job_id": self.job_id, "round": self.round}
        body |= {"type": self.type, "queue": self.queue, "tenant": self.tenant}
        if self.payload is not None:
            body["payload"] = orjson.Fragment(self.payload)
        optional = {"payload_ref": self.payload_ref, "metadata": dict(self.metadata), "tags": list(self.tags)}
        body |= {name: value for name, value in optional.items() if value}
        body |= {"max_attempts": self.max_attempts, "created_at": self.created_at}
        return _sqs_safe(orjson.dumps(body).decode())

    def of_round(self, number: int) -> Envelope:
        return replace(self, round=number)


def read_envelope(text: str) -> Envelope:
    """The envelope in a message body; raises NotAnEnvelope or NewerEnvelope, and nothing else, for any text."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= MAX_BYTES:
        with suppress(MsgspecError, RecursionError, NotAnEnvelope):  # the careful way says what is wrong
            return _usual(_USUAL.decode(data))
    try:
        data = text.encode()
        body = orjson.loads(data)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise NotAnEnvelope("the body is not JSON") from error
    if not isinstance(body, dict) or "cqworker" not in body:
        raise NotAnEnvelope('the body has no "cqworker" field')
    version = body["cqworker"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise NotAnEnvelope("the version is not a positive whole number")
    if version > VERSION:
        raise NewerEnvelope(f"version {version} is newer than this worker's {VERSION}")
    if len(data) > MAX_BYTES:
        raise NotAnEnvelope(f"the body is larger than {MAX_BYTES} bytes")
    with suppress(MsgspecError, RecursionError):  # orjson rounds whole numbers beyond 64 bits
        body = decode(data)
    return _checked(body)


class _Usual(Struct, frozen=True, forbid_unknown_fields=True):
    """What nearly every body is: of this version, and nothing in it that this version does not know."""

    cqworker: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    job_id: Annotated[str, Meta(min_length=1, max_length=MAX_JOB_ID)]
    type: _Name
    queue: _Name
    round: _Count
    max_attempts: _Count
    created_at: Annotated[int, Meta(ge=1, le=LAST_MS)]
    tenant: _Name = "default"
    payload: Any = UNSET
    payload_ref: str | None = None
    metadata: dict[str, str] = {}
    tags: tuple[str, ...] = ()


_USUAL = Decoder(_Usual)


def _usual(body: _Usual) -> Envelope:
    return Envelope(
        job_id=body.job_id,
        type=body.type,
        queue=body.queue,
        tenant=body.tenant,
        round=body.round,
        max_attempts=body.max_attempts,
        created_at=body.created_at,
        payload=None if body.payload is UNSET else _json_text(body.payload),
        payload_ref=body.payload_ref or None,
        metadata=body.metadata,
        tags=body.tags,
    )


def _checked(body: dict[str, Any]) -> Envelope:
    metadata, tags = body.get("metadata", {}), body.get("tags", [])
    if not isinstance(metadata, dict) or not _are_strings(metadata.values()):
        raise NotAnEnvelope("metadata is no table of strings")
    if not isinstance(tags, list) or not _are_strings(tags):
        raise NotAnEnvelope("tags is no list of strings")
    reference = body.get("payload_ref")
    if reference is not None and not isinstance(reference, str):
        raise NotAnEnvelope("payload_ref is no string")
    return Envelope(
        job_id=_string(body, "job_id", MAX_JOB_ID),
        type=_string(body, "type"),
        queue=_string(body, "queue"),
        tenant=_string(body, "tenant") if "tenant" in body else "default",
        round=_count(body, "round"),
        max_attempts=_count(body, "max_attempts"),
        created_at=_count(body, "created_at", LAST_MS),
        payload=_json_text(body["payload"]) if "payload" in body else None,
        payload_ref=reference or None,
        metadata=metadata,
        tags=tuple(tags),
        extra={} if body.keys() <= _FIELDS else {name: body[name] for name in body.keys() - _FIELDS},
    )


def _are_strings(values: Collection[Any]) -> bool:
    return not values or all(isinstance(value, str) for value in values)


def _string(body: dict[str, Any], name: str, longest: int = MAX_NAME) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise NotAnEnvelope(f"{name} is no string of 1 to {longest} characters")
    return value


def _count(body: dict[str, Any], name: str, most: int = MAX_COUNT) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise NotAnEnvelope(f"{name} is no whole number from 1 to {most}")
    return value


def _json_text(payload: Any) -> str:
    """The payload as it is stored; the parser takes deeper nesting than the writer."""
    try:
        return orjson.dumps(payload).decode()
    except orjson.JSONEncodeError as error:
        if "64-bit" in str(error):
            return _long_text(payload)
        raise NotAnEnvelope("the payload is nested too deeply") from error


def _long_text(payload: Any) -> str:
    """The same with whole numbers beyond 64 bits, every digit of them."""
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (RecursionError, ValueError) as error:
        raise NotAnEnvelope("the payload is nested too deeply") from error


def _sqs_safe(text: str) -> str:
    """JSON may carry U+FFFE and U+FFFF inside strings, SQS may not (SendMessage API: allowed characters)."""
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
