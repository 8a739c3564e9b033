"""The message body: all that is needed to run a job, even when its record was never written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

import orjson
from msgspec import UNSET, Meta, MsgspecError, Struct, UnsetType
from msgspec.json import Decoder, decode
from msgspec.structs import asdict, replace

from cqworker.field_docs import document_fields
from cqworker.model.envelope_fields import (
    MAX_CLOCK_LEAD_MS,
    AttemptsOf,
    NewerEnvelope,
    NotAnEnvelope,
    admitted_in,
    are_strings,
    are_tags,
    attempts_for,
    checked_size,
    count_in,
    creation_time,
    json_text,
    priority_in,
    queue_name,
    string_in,
    tenant_name,
    unique_in,
    woken_in,
)
from cqworker.model.job_limits import (
    MAX_ATTEMPTS,
    MAX_JOB_ID,
    MAX_METADATA,
    MAX_METADATA_BYTES,
    MAX_ROUND,
    MAX_TAG,
    MAX_TAGS,
    MAX_TIME_MS,
    MAX_TYPE,
    UNIQUE_PATTERN,
    is_queue_name,
    metadata_fault,
)
from cqworker.model.limits import MAX_LIMIT_KEY, Woken
from cqworker.model.priorities import PriorityName, stored_priority
from cqworker.model.rates import Admitted
from cqworker.model.tenants import DEFAULT_TENANT, tenant_fault

ENVELOPE_VERSION = 1
"""The version of the message format of a job that every worker runs rightly."""
LIMITED_VERSION = 2
"""The version of a job that only workers run rightly which know limits, and the newest that this code reads."""
MAX_BODY_BYTES = 262_144
"""Bytes of a body: a larger one, with a result beside it, would not fit into a record (DynamoDB: 400 KB an item)."""
_FIELDS = frozenset("cqworker job_id round type queue tenant payload payload_ref max_attempts".split()) | frozenset(
    "metadata tags created_at at admitted priority limit_key woken unique replacements".split()
)
_Tag = Annotated[str, Meta(min_length=1, max_length=MAX_TAG)]


@document_fields(
    job_id="The job's id.",
    type="The job type.",
    queue="The queue it goes to.",
    max_attempts="Starts that a round may have.",
    created_at="When the job was submitted (epoch ms).",
    round="1, and one more with each retry by hand.",
    tenant="Whose it is.",
    payload="As submitted, as JSON text; None where it is kept at `payload_ref`.",
    payload_ref="Where a payload is kept that is too big, or None.",
    metadata="Texts by name, as submitted.",
    tags="As submitted.",
    at="The time for which this copy was sent ahead (epoch ms), or None.",
    admitted="The moment that an attempt has under its rates, or None.",
    priority="Its level, None: medium.",
    limit_key="What its submitter has it share slots by, or None.",
    woken="The limit for a free slot of which this copy was sent, and whose park it ends, or None.",
    replacements="How often a later submission replaced its payload, or None.",
    unique="Its unique key and the scope that it was taken for, or None.",
    extra="Fields unknown to this version, kept when it is sent again.",
)
class Envelope(Struct, frozen=True, kw_only=True):
    """One job as it travels: `payload` is JSON text, `created_at` epoch ms, `extra` fields unknown to this version."""

    job_id: str
    type: str
    queue: str
    max_attempts: int
    created_at: int
    round: int = 1
    tenant: str = DEFAULT_TENANT
    payload: str | None = None
    payload_ref: str | None = None
    metadata: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    at: int | None = None
    admitted: Admitted | None = None
    priority: str | None = None
    limit_key: str | None = None
    woken: Woken | None = None
    unique: str | None = None
    replacements: int | None = None
    extra: Mapping[str, Any] = {}

    @property
    def version(self) -> int:
        """The version of its format: an older worker gives back what it would run without its limit, or as it was."""
        is_plain = self.limit_key is None and self.replacements is None and self.woken is None
        return ENVELOPE_VERSION if is_plain else LIMITED_VERSION

    def text(self) -> str:
        """The message body: JSON of characters that SQS takes (SendMessage API), empty fields left out."""
        body: dict[str, Any] = {**self.extra, "cqworker": self.version, "job_id": self.job_id, "round": self.round}
        body |= {"type": self.type, "queue": self.queue, "tenant": self.tenant}
        if self.payload is not None:
            body["payload"] = orjson.Fragment(self.payload)
        optional: dict[str, Any] = {"payload_ref": self.payload_ref, "metadata": dict(self.metadata)}
        optional |= {"tags": list(self.tags), "at": self.at, "admitted": self.admitted, "priority": self.priority}
        optional |= {"limit_key": self.limit_key, "woken": self.woken, "unique": self.unique}
        optional["replacements"] = self.replacements
        body |= {name: value for name, value in optional.items() if value}
        body |= {"max_attempts": self.max_attempts, "created_at": self.created_at}
        return _to_sqs_characters(orjson.dumps(body, default=_said).decode())


def read_envelope(
    text: str,
    *,
    queue: str | None = None,
    sent_at: int | None = None,
    attempts_of: AttemptsOf | None = None,
    priority: str | None = None,
) -> Envelope:
    """The envelope in a message body.

    What a message leaves out is what its delivery says: its `queue` and the `priority` of the level that it came from
    (None: medium), the time it was `sent_at` (epoch ms; a job cannot have been made much later), the attempts of its
    type. Without these the message must say them itself, but for its priority.

    Raises NotAnEnvelope or NewerEnvelope, and nothing else, for any text.
    """
    data = text.encode("utf-8", "surrogatepass")
    size = len(data)
    if size <= MAX_BODY_BYTES:
        try:  # as suppress() does it, which costs as much as half the reading
            return _read_plain(_PLAIN_BODY.decode(data), size, queue, sent_at, attempts_of, priority)
        except (MsgspecError, RecursionError, ValueError):
            pass  # the careful way says what is wrong
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
    if version > LIMITED_VERSION:
        raise NewerEnvelope(f"version {version} is newer than this worker's {LIMITED_VERSION}")
    if size > MAX_BODY_BYTES:
        raise NotAnEnvelope(f"the body is larger than {MAX_BODY_BYTES} bytes")
    with suppress(MsgspecError, RecursionError):  # orjson rounds whole numbers beyond 64 bits
        body = decode(data)
    return _read_carefully(body, queue, sent_at, attempts_of, priority)


class _PlainBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What nearly every body is: of this version, and nothing in it that this version does not know."""

    cqworker: Annotated[int, Meta(ge=ENVELOPE_VERSION, le=LIMITED_VERSION)]
    job_id: Annotated[str, Meta(min_length=1, max_length=MAX_JOB_ID)]
    type: Annotated[str, Meta(min_length=1, max_length=MAX_TYPE)]
    queue: str | UnsetType = UNSET
    round: Annotated[int, Meta(ge=1, le=MAX_ROUND)] = 1
    max_attempts: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS)] | UnsetType = UNSET
    created_at: Annotated[int, Meta(ge=1, le=MAX_TIME_MS)] | UnsetType = UNSET
    tenant: str = DEFAULT_TENANT
    payload: Any = UNSET
    payload_ref: str | None = None
    metadata: Annotated[dict[str, str], Meta(max_length=MAX_METADATA)] = {}
    tags: Annotated[tuple[_Tag, ...], Meta(max_length=MAX_TAGS)] = ()
    at: Annotated[int, Meta(ge=1, le=MAX_TIME_MS)] | None = None
    admitted: Admitted | None = None
    priority: PriorityName | None = None
    limit_key: Annotated[str, Meta(min_length=1, max_length=MAX_LIMIT_KEY)] | None = None
    woken: Woken | None = None
    unique: Annotated[str, Meta(pattern=UNIQUE_PATTERN)] | None = None
    replacements: Annotated[int, Meta(ge=1, le=MAX_ROUND)] | None = None


_PLAIN_BODY = Decoder(_PlainBody)


def _read_plain(
    body: _PlainBody,
    size: int,
    queue: str | None,
    sent_at: int | None,
    attempts_of: AttemptsOf | None,
    priority: str | None,
) -> Envelope:
    """Written flat, for every message passes here; raises ValueError for what the careful way has to look at.

    In a body of `size` bytes no metadata is larger than that.
    """
    tenant, metadata, made_at = body.tenant, body.metadata, body.created_at
    queue = queue if body.queue is UNSET else body.queue
    if sent_at is not None and (made_at is UNSET or made_at > sent_at + MAX_CLOCK_LEAD_MS):
        made_at = sent_at
    is_faulty = size > MAX_METADATA_BYTES and metadata and metadata_fault(metadata)
    if is_faulty or made_at is UNSET or queue is None or not is_queue_name(queue) or tenant_fault(tenant):
        raise ValueError
    usual = Envelope(
        job_id=body.job_id,
        type=body.type,
        queue=queue,
        tenant=tenant,
        round=body.round,
        max_attempts=attempts_for(body.type, attempts_of) if body.max_attempts is UNSET else body.max_attempts,
        created_at=made_at,
        payload=None if body.payload is UNSET else json_text(body.payload),
        payload_ref=body.payload_ref or None,
        metadata=metadata,
        tags=body.tags,
        at=body.at,
    )
    is_usual = (priority or body.priority or body.limit_key or body.unique) is None
    is_usual = is_usual and (body.woken or body.admitted or body.replacements) is None
    return usual if is_usual else _with_more(usual, body, priority)


def _with_more(usual: Envelope, body: _PlainBody, priority: str | None) -> Envelope:
    """The same with what few jobs have: a call that names more than fifteen fields costs three times as much."""
    return replace(
        usual,
        admitted=body.admitted,
        priority=priority if body.priority is None else stored_priority(body.priority),
        limit_key=body.limit_key,
        woken=body.woken,
        unique=body.unique,
        replacements=body.replacements,
    )


def _read_carefully(
    body: dict[str, Any],
    queue: str | None,
    sent_at: int | None,
    attempts_of: AttemptsOf | None,
    priority: str | None,
) -> Envelope:
    metadata, tags = body.get("metadata", {}), body.get("tags", [])
    if not isinstance(metadata, dict) or not are_strings(metadata.values()) or len(metadata) > MAX_METADATA:
        raise NotAnEnvelope(f"metadata is no table of at most {MAX_METADATA} strings")
    if not isinstance(tags, list) or not are_strings(tags) or not are_tags(tags):
        raise NotAnEnvelope(f"tags is no list of at most {MAX_TAGS} strings of 1 to {MAX_TAG} characters")
    reference = body.get("payload_ref")
    if reference is not None and not isinstance(reference, str):
        raise NotAnEnvelope("payload_ref is no string")
    job_type = string_in(body, "type", MAX_TYPE)
    limited = "max_attempts" in body
    return Envelope(
        job_id=string_in(body, "job_id", MAX_JOB_ID),
        type=job_type,
        queue=queue_name(body.get("queue", queue)),
        tenant=tenant_name(body["tenant"]) if "tenant" in body else DEFAULT_TENANT,
        round=count_in(body, "round", MAX_ROUND) if "round" in body else 1,
        max_attempts=count_in(body, "max_attempts", MAX_ATTEMPTS) if limited else attempts_for(job_type, attempts_of),
        created_at=creation_time(count_in(body, "created_at", MAX_TIME_MS) if "created_at" in body else None, sent_at),
        payload=json_text(body["payload"]) if "payload" in body else None,
        payload_ref=reference or None,
        metadata=checked_size(metadata),
        tags=tuple(tags),
        at=count_in(body, "at", MAX_TIME_MS) if body.get("at") is not None else None,
        admitted=admitted_in(body, MAX_TIME_MS),
        priority=priority if body.get("priority") is None else priority_in(body["priority"]),
        limit_key=string_in(body, "limit_key", MAX_LIMIT_KEY) if body.get("limit_key") is not None else None,
        woken=woken_in(body),
        unique=unique_in(body),
        replacements=count_in(body, "replacements", MAX_ROUND) if body.get("replacements") is not None else None,
        extra={} if body.keys() <= _FIELDS else {name: body[name] for name in body.keys() - _FIELDS},
    )


def _said(part: Struct) -> dict[str, Any]:
    """What a part of the message says: fields that say nothing are left out, as in the message itself."""
    return {name: value for name, value in asdict(part).items() if value is not None}


def _to_sqs_characters(text: str) -> str:
    """JSON may carry U+FFFE and U+FFFF inside strings, SQS may not (SendMessage API: allowed characters)."""
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
