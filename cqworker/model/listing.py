"""What the listing index says of a job, so that a list needs no record."""

from __future__ import annotations

from msgspec import Struct

from cqworker.field_docs import document_fields


@document_fields(
    kind="Why it failed, in one word, or nothing.",
    fingerprint="The same for failures that are alike, or nothing.",
    worker="Who ended it, or nothing.",
    release="The release of the code that ended it, or nothing.",
)
class Listing(Struct, frozen=True, kw_only=True):
    """A listed job's own words; its status, the day it ended and its id say where in the index it stands."""

    kind: str = ""
    fingerprint: str = ""
    worker: str = ""
    release: str = ""
