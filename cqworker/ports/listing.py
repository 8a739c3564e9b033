"""The port of lists: the indexes that find jobs by how they ended, when they are due, or the day they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from cqworker.field_docs import document_fields


class JobIndex(StrEnum):
    """An index of the table: what it has, and in which order a part of it is read."""

    LISTING = "listing"
    """Jobs that ended in a listed status, the last to end first."""
    DUE = "due"
    """Jobs whose message is sent when they are due, the first to be due first."""
    DAY = "day"
    """Every job, the last to be submitted first."""

    @property
    def newest_first(self) -> bool:
        """Whether the latest time comes first."""
        return self is not JobIndex.DUE


@document_fields(
    at="Its time in this index (epoch ms): when it ended, is due, or was made.",
    job_id="The job.",
)
class IndexEntry(Struct, frozen=True, order=True):
    """What an index says of one job; its record, read consistently, says whether that is still so."""

    at: int
    job_id: str


@document_fields(
    index="The index.",
    key="Which partition of it.",
    first="The earliest time (epoch ms).",
    last="The latest time (epoch ms).",
)
class IndexPart(Struct, frozen=True):
    """Entries of one partition of an index, from a time to another, both included."""

    index: JobIndex
    key: str
    first: int
    last: int


@document_fields(
    entries="The entries that fit.",
    end="The entry that was looked at last, to go on after; None: there are no more.",
    looked_at="How many entries were looked at.",
)
class IndexPage(Struct, frozen=True):
    """Some entries of a part, in the index's order."""

    entries: Sequence[IndexEntry]
    end: IndexEntry | None
    looked_at: int


@document_fields(
    number="How many entries fit.",
    end="The entry that was looked at last, to go on after; None: there are no more.",
)
class IndexCount(Struct, frozen=True):
    """How many of some entries of a part fit."""

    number: int
    end: IndexEntry | None


class JobListing(Protocol):
    """The indexes. Every method raises Unavailable; each answers None while the index is missing or being filled.

    `where` has what the entries' attributes have to be, by name; only the LISTING index has attributes: those of
    `model.listing.Listing`, and `type`, `tenant`, `queue`. An index lags behind the records: it may name jobs that left
    it, and not name yet what has just come.
    """

    async def page(
        self, part: IndexPart, limit: int, after: IndexEntry | None = None, where: Mapping[str, str] = ...
    ) -> IndexPage | None:
        """At most `limit` entries of a part looked at, from its beginning or after an entry.

        Raises ListingRefused where `after` is no entry that this part can have.
        """
        ...

    async def count(
        self, part: IndexPart, after: IndexEntry | None = None, where: Mapping[str, str] = ...
    ) -> IndexCount | None:
        """How many entries fit, of as many as one request of the service looks at. Raises as `page` does."""
        ...
