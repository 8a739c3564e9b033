"""Where a job's source is: which references a job may read, and how they are spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from cqworker.errors import SourceRefused
from cqworker.model.artifact_keys import upload_key

MAX_KEY_BYTES = 1024
"""Bytes of an object's key in UTF-8 (S3 user guide, naming objects)."""
_SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_ARTIFACT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_STEPS = frozenset({".", ".."})


def resolve_source(source: str, tenant: str, reference: Callable[[str], str], allowed: tuple[str, ...]) -> str:
    """The `s3://bucket/key` that a source stands for.

    `artifact:<id>` is an upload of the tenant: `reference(key)` says where a key below the artifacts' prefix is.
    `s3://bucket/key` must lie below one of `allowed`, each `s3://bucket` or `s3://bucket/prefix`. A prefix ends at a
    slash whether or not it is written with one: `s3://b/in` admits `s3://b/in/x` and `s3://b/in`, not `s3://b/inbox`.
    What lies below the artifacts' prefix is not reached by its `s3://` name here, for it may be another tenant's: who
    knows the tenant of the job that wrote it looks with `artifact_keys.producer_of` first.

    Raises SourceRefused, and nothing else, for any text.
    """
    if source.startswith("artifact:"):
        return reference(upload_key(tenant, _artifact_id_in(source)))
    bucket, key = split_reference(source)
    if _is_below(bucket, key, reference("")):
        raise source_refusal(
            source, 'of what jobs store are read uploads, as "artifact:<id>", and what write() of a job gave'
        )
    if not any(_is_below(bucket, key, place) for place in allowed):
        raise source_refusal(source, "it lies outside the sources that artifacts.sources allows")
    return f"s3://{bucket}/{key}"


def _artifact_id_in(source: str) -> str:
    identifier = source.removeprefix("artifact:")
    if not _ARTIFACT_ID.fullmatch(identifier):
        raise source_refusal(source, "an artifact's id is 1 to 64 letters, digits, - and _")
    return identifier


def places_overlap(one: str, other: str) -> bool:
    """Whether of two places, each `s3://bucket` or `s3://bucket/prefix`, one lies in the other."""
    return any(_is_below(*_parts(inner), outer) for inner, outer in ((one, other), (other, one)))


def check_source(source: str) -> None:
    """Raises SourceRefused for what is no source, whoever reads it; a job with one is not accepted."""
    if source.startswith("artifact:"):
        _artifact_id_in(source)
    else:
        split_reference(source)


def split_reference(reference: str) -> tuple[str, str]:
    """The bucket and the key of `s3://bucket/key`; the key is taken to the letter, nothing in it is decoded.

    S3 takes any key of 1 to 1,024 bytes of UTF-8. Raises SourceRefused for those that do not come through, or might
    come out as another place: control characters, and `.` or `..` between slashes, percent-encoded or not, which
    clients and proxies resolve as paths (S3 user guide, naming objects).
    """
    scheme, found, rest = reference.partition("://")
    if scheme != "s3" or not found:
        raise source_refusal(reference, 'a source is "s3://bucket/key" or "artifact:<id>"')
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise source_refusal(reference, "its bucket's name is none (3 to 63 of a-z, 0-9, - and .)")
    fault = _fault(key)
    if fault:
        raise source_refusal(reference, fault)
    return bucket, key


def _fault(key: str) -> str | None:
    """What is wrong with a key."""
    if not key:
        return "it names no key"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in key):
        return "its key has control characters, or half of a character"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"its key has more than {MAX_KEY_BYTES} bytes"
    if not _STEPS.isdisjoint(unquote(segment) for segment in key.split("/")):
        return 'its key has "." or ".." between slashes, which some readers take for steps of a path'
    return None


def _is_below(bucket: str, key: str, place: str) -> bool:
    home, prefix = _parts(place)
    prefix = prefix.rstrip("/")
    is_place = place.startswith(_SCHEME) and home == bucket
    return is_place and (not prefix or key == prefix or key.startswith(f"{prefix}/"))


def _parts(place: str) -> tuple[str, str]:
    bucket, _, prefix = place.removeprefix(_SCHEME).partition("/")
    return bucket, prefix


def source_refusal(source: str, reason: str) -> SourceRefused:
    """The refusal of a source, in one printable sentence."""
    shown = source if len(source) <= 100 else f"{source[:100]}…"
    return SourceRefused(f"The source {shown!a} is refused: {reason}.")
