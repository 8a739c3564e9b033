"""The indexes that lists are made of, in memory: what DynamoDB's promise, without them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from cqworker.model.record import JobRecord, shard_of
from cqworker.model.timestamps import day_of
from cqworker.ports.listing import IndexCount, IndexEntry, IndexPage, IndexPart, JobIndex
from cqworker.testing.memory_ports import MemoryStore

NO_FILTER: Mapping[str, str] = MappingProxyType({})
COUNTED = 1_000
"""Entries that one count looks at."""


class MemoryListing:
    """The indexes over the records of `store`, of which `missing` are not there.

    `stale` has entries, by their partition, of jobs that left the index: this one does not lag by itself.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.missing: set[JobIndex] = set()
        self.stale: dict[str, list[IndexEntry]] = {}
        self.queries = 0

    async def page(
        self, part: IndexPart, limit: int, after: IndexEntry | None = None, where: Mapping[str, str] = NO_FILTER
    ) -> IndexPage | None:
        """What the records say at this moment."""
        self.queries += 1
        if part.index in self.missing:
            return None
        entries = self._entries(part, after)
        seen = entries[:limit]
        found = [entry for entry in seen if self._fits(entry, where)]
        return IndexPage(found, seen[-1] if len(entries) > limit else None, len(seen))

    async def count(
        self, part: IndexPart, after: IndexEntry | None = None, where: Mapping[str, str] = NO_FILTER
    ) -> IndexCount | None:
        """How many of the next COUNTED there are."""
        page = await self.page(part, COUNTED, after, where)
        return None if page is None else IndexCount(len(page.entries), page.end)

    def _entries(self, part: IndexPart, after: IndexEntry | None) -> list[IndexEntry]:
        named = [
            IndexEntry(at, record.job_id)
            for record in self._store.records.values()
            if (at := _time_of(record, part.index)) is not None
            and part.first <= at <= part.last
            and _key_of(record, part.index, at) == part.key
        ]
        named += [entry for entry in self.stale.get(part.key, ()) if part.first <= entry.at <= part.last]
        ordered = sorted(named, reverse=part.index.newest_first)
        if after is None:
            return ordered
        return [entry for entry in ordered if (entry < after) is part.index.newest_first and entry != after]

    def _fits(self, entry: IndexEntry, where: Mapping[str, str]) -> bool:
        record = self._store.records.get(entry.job_id)
        if record is None or record.listing is None:
            return not where
        listing = record.listing
        said = {"type": record.type, "tenant": record.tenant, "queue": record.queue}
        said |= {name: getattr(listing, name) for name in listing.__struct_fields__}
        return all(said[name] == value for name, value in where.items())


def _time_of(record: JobRecord, index: JobIndex) -> int | None:
    match index:
        case JobIndex.LISTING:
            return record.finished_at if record.listing is not None else None
        case JobIndex.DUE:
            return record.scheduled_at
        case JobIndex.DAY:
            return record.created_at


def _key_of(record: JobRecord, index: JobIndex, at: int) -> str | None:
    match index:
        case JobIndex.LISTING:
            return f"{record.status}#{_place_of(at, record.job_id)}"
        case JobIndex.DUE:
            return record.due
        case JobIndex.DAY:
            return record.day


@lru_cache(maxsize=1 << 15)
def _place_of(at: int, job_id: str) -> str:
    return f"{day_of(at)}#{shard_of(job_id)}"
