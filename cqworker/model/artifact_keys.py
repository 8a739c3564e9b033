"""The keys of artifacts below the configured prefix, and which job wrote an object."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from urllib.parse import quote, unquote

import orjson

from cqworker.model.record import JobRecord

ANY_BYTES = "application/octet-stream"
"""The media type of any bytes (RFC 2046, section 4.5.1)."""
MAX_NAME = 100
"""Characters of an artifact's name."""
NAME_PATTERN = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?"
"""What an artifact's name looks like."""
_NAME = re.compile(NAME_PATTERN, re.ASCII)
_EXTENSION = re.compile(r"[a-z0-9]{1,10}", re.ASCII)
_ATTEMPT = r"[1-9][0-9]{0,8}-[1-9][0-9]{0,8}"
_JOB_ARTIFACT = re.compile(rf"{_ATTEMPT}(?:\.[a-z0-9]{{1,10}}|\.result\.json|/(?P<name>{_NAME.pattern}))", re.ASCII)
_RESERVED_FOLDERS = ("uploads", "payloads")
"""Folders below the prefix that belong to no job."""
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")


def new_artifact_id() -> str:
    """An id that nobody can guess: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def upload_key(tenant: str, artifact_id: str) -> str:
    """Where an uploaded artifact lives."""
    return f"uploads/{tenant}/{artifact_id}"


def payload_key(job_id: str) -> str:
    """Where a job's payload lies if it is too big for its message: one step, whatever an id from elsewhere holds."""
    return f"payloads/{quote(job_id, safe='')}.json"


def job_folder(job_id: str) -> str:
    """Where a job's own things lie: one step, whatever an id from elsewhere holds, and never a reserved folder."""
    folder = quote(job_id, safe="").replace(".", "%2E")
    return f"%{ord(folder[0]):02X}{folder[1:]}" if folder in _RESERVED_FOLDERS else folder


def artifact_key(job_id: str, number: str, name: str | None, extension: str | None) -> str:
    """Where an attempt keeps an artifact; `number` is `{round}-{attempt}`, so that no attempt overwrites another's.

    Raises ValueError, in a sentence, unless there is either a name or an extension, and one that is well formed.
    """
    if (name is None) == (extension is None):
        raise ValueError('write() takes either name="report.csv" or extension="csv".')
    if name is None:
        if not _fits(extension, _EXTENSION):
            raise ValueError(f"extension takes 1 to 10 of a-z and 0-9, without a dot, not {extension!r}.")
        return f"{job_folder(job_id)}/{number}.{extension}"
    if not _fits(name, _NAME):
        shown = f"{name!a}"[:MAX_NAME]
        rule = "A-Z, a-z, 0-9, dot, dash and underscore, the first a letter or a digit, the last no dot"
        raise ValueError(f"name takes 1 to {MAX_NAME} of {rule}, not {shown}.")
    return f"{job_folder(job_id)}/{number}/{name}"


def _fits(text: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(text, str) and len(text) <= MAX_NAME and pattern.fullmatch(text) is not None


def result_key(record: JobRecord) -> str:
    """Where the result of this attempt lies if it is too big for the record."""
    return f"{job_folder(record.job_id)}/{record.round}-{record.attempt}.result.json"


def producer_of(source: str, reference: Callable[[str], str]) -> str | None:
    """The id of the job that wrote what a reference names; None where no job can have written it."""
    own = reference("")
    folder, _, rest = source.removeprefix(own).partition("/")
    if not source.startswith(own) or not _JOB_ARTIFACT.fullmatch(rest):
        return None
    job_id = unquote(folder)
    return job_id if job_id and job_folder(job_id) == folder else None


def media_type(declared: str) -> str:
    """The media type without parameters, in small letters; ANY_BYTES for what is none.

    So, too, for a form's: curl sends whatever it is given under that type.
    """
    bare = declared.partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) and not bare.startswith(_FORM_TYPES) else ANY_BYTES


def storable_type(declared: str) -> str:
    """The content type as an object in S3 can have it: as declared, or as much of that as a header takes."""
    bare = media_type(declared)
    is_whole = declared.isascii() and declared.isprintable() and bare != ANY_BYTES
    return declared if is_whole else bare


def output_reference(record: JobRecord, reference: Callable[[str], str]) -> str | None:
    """The reference of a result too big for its record, or of the object that a result names as its `output`.

    That object must be the job's own: no handler can have another one served. `reference` says where a key is.
    """
    if record.result_ref is not None:
        return record.result_ref
    result = orjson.loads(record.result) if record.result else None
    output = result.get("output") if isinstance(result, dict) else None
    own = _own(record, reference)
    if not isinstance(output, str) or not output.startswith(own):
        return None
    steps = output.removeprefix(own).split("/")
    return output if all(step not in ("", ".", "..") for step in steps) else None


def named_artifact_key(record: JobRecord, name: str) -> str | None:
    """The key of what the job's last attempt wrote under this name; None for what is no name."""
    return artifact_key(record.job_id, f"{record.round}-{record.attempt}", name, None) if _fits(name, _NAME) else None


def artifact_name_of(record: JobRecord, product: str, reference: Callable[[str], str]) -> str | None:
    """The name that the job gave to the artifact at `product`, a reference; None where it gave none."""
    found = _JOB_ARTIFACT.fullmatch(product.removeprefix(_own(record, reference)))
    return found["name"] if found else None


def _own(record: JobRecord, reference: Callable[[str], str]) -> str:
    return reference(f"{job_folder(record.job_id)}/")
