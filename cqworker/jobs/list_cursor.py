"""Where a page of a list ended, as one text: positions alone, so that a forged one reads nothing of others."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import msgspec
import orjson
from msgspec import Struct

from cqworker.errors import ListingRefused
from cqworker.field_docs import document_fields
from cqworker.model.job_limits import MAX_JOB_ID
from cqworker.model.record import SHARDS
from cqworker.ports.listing import IndexEntry

VERSION = 1
"""The first number in a cursor: one of another form has another."""
MAX_CURSOR = 8192
"""Characters of a cursor: eight ids of the longest kind, escaped, fit."""
NOT_OURS = "The cursor is none that this list gave; leave it out to begin anew."


@document_fields(
    after="The entry that was read last, or None before the first.",
    is_done="Whether there are no more.",
)
class LanePosition(Struct, frozen=True):
    """How far one partition was read."""

    after: IndexEntry | None = None
    is_done: bool = False


START = (LanePosition(),) * SHARDS


@document_fields(
    digest="That of the list.",
    step="Which group of partitions: a day, or nothing.",
    lanes="How far each of them was read.",
)
class ListCursor(Struct, frozen=True):
    """How far a list was read."""

    digest: str
    step: str
    lanes: Sequence[LanePosition] = START

    def text(self) -> str:
        """The cursor as it is handed out."""
        lanes = [1 if lane.is_done else lane.after and [lane.after.at, lane.after.job_id] for lane in self.lanes]
        body = orjson.dumps([VERSION, self.digest, self.step, lanes])
        return urlsafe_b64encode(body).decode().rstrip("=")


def cursor_from(text: str, digest: str) -> ListCursor:
    """The cursor that a page of the list with this digest gave. Raises ListingRefused for every other text."""
    if len(text) > MAX_CURSOR:
        raise ListingRefused(NOT_OURS)
    try:
        body = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        version, of, step, lanes = msgspec.json.decode(body, type=tuple[int, str, str, list[_Lane]])
    except (ValueError, msgspec.DecodeError):
        raise ListingRefused(NOT_OURS) from None
    if version != VERSION or len(lanes) != SHARDS:
        raise ListingRefused(NOT_OURS)
    if of != digest:
        raise ListingRefused("The cursor is of another list: send it with the same filters, by the same caller.")
    return ListCursor(of, step, tuple(map(_position_of, lanes)))


_Lane = tuple[int, str] | int | None


def _position_of(lane: _Lane) -> LanePosition:
    if lane is None:
        return LanePosition()
    if isinstance(lane, int):
        return LanePosition(is_done=True)
    at, job_id = lane
    if not (0 <= at < 10**13 and 0 < len(job_id) <= MAX_JOB_ID):
        raise ListingRefused(NOT_OURS)
    return LanePosition(IndexEntry(at, job_id))
