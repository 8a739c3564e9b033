"""Eight partitions of an index, read side by side and told in one order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from cqworker.errors import ListingRefused
from cqworker.jobs.list_cursor import NOT_OURS, LanePosition
from cqworker.ports.listing import IndexEntry, IndexPage, IndexPart, JobListing


class Lane:
    """One partition: `waiting` was read and not told yet, `end` is what was looked at last where there is more."""

    __slots__ = ("end", "is_done", "part", "told", "waiting")

    def __init__(self, part: IndexPart, position: LanePosition) -> None:
        self.part = part
        self.told = position.after
        self.end = position.after
        self.is_done = position.is_done or part.first > part.last or self._is_past(position.after)
        self.waiting: deque[IndexEntry] = deque()

    def take(self, page: IndexPage) -> None:
        """Takes up what was read next: nothing waits before that."""
        self.told = self.end
        self.waiting.extend(page.entries)
        self.end = page.end
        self.is_done = page.end is None

    @property
    def position(self) -> LanePosition:
        """How far it was told: what was looked at beyond the last entry told fitted nothing, unless some waits."""
        if self.waiting:
            return LanePosition(self.told)
        return LanePosition(None, is_done=True) if self.is_done else LanePosition(self.end)

    def _is_past(self, after: IndexEntry | None) -> bool:
        """Whether it ended, because time went on. Raises ListingRefused for an entry before its beginning."""
        if after is None or self.part.first <= after.at <= self.part.last:
            return False
        if (after.at < self.part.first) is self.part.index.newest_first:
            return True
        raise ListingRefused(NOT_OURS)


class Lanes:
    """The partitions of one step of a list."""

    def __init__(self, parts: Sequence[IndexPart], positions: Sequence[LanePosition]) -> None:
        self._lanes = [Lane(part, position) for part, position in zip(parts, positions, strict=True)]
        self._newest_first = parts[0].index.newest_first

    async def read(self, listing: JobListing, limit: int, where: Mapping[str, str]) -> int | None:
        """Reads on where nothing waits, at most `limit` entries of each; how many were looked at; None: no index.

        Raises Unavailable, and ListingRefused for a position that no partition has.
        """
        hungry = [lane for lane in self._lanes if not lane.waiting and not lane.is_done]
        pages = await asyncio.gather(*(listing.page(lane.part, limit, lane.end, where) for lane in hungry))
        looked_at = 0
        for lane, page in zip(hungry, pages, strict=True):
            if page is None:
                return None
            lane.take(page)
            looked_at += page.looked_at
        return looked_at

    async def count(self, listing: JobListing, where: Mapping[str, str]) -> int | None:
        """How many of the next entries fit; None: no index. Raises as `read` does."""
        going = [lane for lane in self._lanes if not lane.is_done]
        counts = await asyncio.gather(*(listing.count(lane.part, lane.end, where) for lane in going))
        total = 0
        for lane, count in zip(going, counts, strict=True):
            if count is None:
                return None
            lane.take(IndexPage((), count.end, 0))
            total += count.number
        return total

    def ready(self) -> list[IndexEntry]:
        """What can be told in order: no partition that was not read to its end can have anything before it."""
        entries = sorted((entry for lane in self._lanes for entry in lane.waiting), reverse=self._newest_first)
        cut = self._cut()
        if cut is None:
            return entries
        return [entry for entry in entries if entry == cut or (entry > cut) is self._newest_first]

    def tell(self, entry: IndexEntry) -> None:
        """The entry was told, and with it those before it in its partition."""
        lane = next(lane for lane in self._lanes if lane.waiting and lane.waiting[0] == entry)
        lane.told = lane.waiting.popleft()

    @property
    def is_done(self) -> bool:
        """Whether all was told."""
        return all(lane.is_done and not lane.waiting for lane in self._lanes)

    @property
    def positions(self) -> list[LanePosition]:
        """How far each partition was told."""
        return [lane.position for lane in self._lanes]

    def reached(self) -> int:
        """The time (epoch ms) up to which all was told."""
        ends = [lane.position for lane in self._lanes]
        begin = self._lanes[0].part.last if self._newest_first else self._lanes[0].part.first
        times = [begin if each.after is None else each.after.at for each in ends if not each.is_done]
        far = self._lanes[0].part.first if self._newest_first else self._lanes[0].part.last
        return (max if self._newest_first else min)(times, default=far)

    def _cut(self) -> IndexEntry | None:
        """Where the partition that was read the least far stands; None where each was read to its end."""
        ends = [lane.end for lane in self._lanes if not lane.is_done and lane.end is not None]
        return (max if self._newest_first else min)(ends, default=None)
