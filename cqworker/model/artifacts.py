"""The keys of artifacts below the configured prefix, and which object is what a job made."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import orjson

from cqworker.model.record import JobRecord

UNKNOWN = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")


def new_artifact_id() -> str:
    """An id that nobody can guess: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def upload_key(tenant: str, artifact_id: str) -> str:
    """Where an uploaded artifact lives."""
    return f"uploads/{tenant}/{artifact_id}"


def media_type(declared: str) -> str:
    """The type alone, in small letters; that of any bytes where it is none."""
    said = declared.partition(";")[0].strip().lower()
    return said if _MEDIA_TYPE.fullmatch(said) else UNKNOWN


def product_of(record: JobRecord, reference: Callable[[str], str]) -> str | None:
    """The reference of a result too big for its record, or of the object that a result names as its `output`.

    That object must be the job's own: a handler's word opens no other door. `reference` says where a key is.
    """
    if record.result_ref is not None:
        return record.result_ref
    result = orjson.loads(record.result) if record.result else None
    output = result.get("output") if isinstance(result, dict) else None
    own = reference(f"{record.job_id}/")
    if not isinstance(output, str) or not output.startswith(own):
        return None
    steps = output.removeprefix(own).split("/")
    return output if all(step not in ("", ".", "..") for step in steps) else None
