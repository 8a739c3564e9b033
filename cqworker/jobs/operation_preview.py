"""What an operation would be done to: how many jobs, some of them, and of which kinds they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.field_docs import document_fields
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_targets import ask_of, fits, sort_out, tenant_of
from cqworker.model.job_view import job_summary
from cqworker.model.operations import Operation
from cqworker.model.record import JobRecord
from cqworker.model.timestamps import rfc3339
from cqworker.ports.schedule import Schedule

MOST_COUNTED = 1_000
"""Jobs that are counted one by one: beyond that a person need not know how many there are."""
SAMPLES = 20
"""Jobs that are shown."""
PREVIEW_SECONDS = 5.0
"""Seconds after which a preview is answered with what was counted."""
READ_AT_ONCE = 100
"""Records of one request (BatchGetItem)."""


@document_fields(
    records="Those that were counted, MOST_COUNTED at most.",
    is_more="Whether there are more than these.",
    is_whole="Whether it was looked for to the end, or until it was clear that there are more.",
)
class Preview(Struct, frozen=True, kw_only=True):
    """The jobs that an operation would be done to."""

    records: Sequence[JobRecord]
    is_more: bool
    is_whole: bool

    def is_off(self, expected: int) -> bool:
        """Whether they are surely more than a tenth and 10 off what was expected."""
        counted, allowed = len(self.records), expected // 10 + 10
        if self.is_more or not self.is_whole:
            return counted > expected + allowed
        return abs(counted - expected) > allowed


class Previews:
    """Looks up what an operation would be done to."""

    def __init__(self, lists: JobLists, schedule: Schedule, clock: Clock) -> None:
        self._lists = lists
        self._schedule = schedule
        self._clock = clock

    async def look(self, operation: Operation, *, first_page: bool = False) -> Preview:
        """The jobs, or those of the first page. Raises ListingRefused, NotProvisioned, Unavailable."""
        if operation.job_ids:
            return Preview(records=await self._named(operation), is_more=False, is_whole=True)
        ask = ask_of(operation.act, operation.filter, operation.as_of)
        until, found = self._clock.monotonic() + PREVIEW_SECONDS, list[JobRecord]()
        while True:
            page = await self._lists.page(ask, tenant_of(operation))
            found += [record for record in page.jobs if fits(operation, record)]
            if len(found) > MOST_COUNTED:
                return Preview(records=found[:MOST_COUNTED], is_more=True, is_whole=True)
            if page.next is None or first_page or self._clock.monotonic() >= until:
                return Preview(records=found, is_more=False, is_whole=page.next is None)
            ask = replace(ask, cursor=page.next)

    async def _named(self, operation: Operation) -> list[JobRecord]:
        found: list[JobRecord] = []
        for start in range(0, len(operation.job_ids), READ_AT_ONCE):
            names = operation.job_ids[start : start + READ_AT_ONCE]
            found += sort_out(operation, names, await self._schedule.read_many(names)).records
        return found


def preview_view(operation: Operation, preview: Preview) -> dict[str, object]:
    """The preview as JSON-able data; its times are RFC 3339."""
    records = preview.records
    return {
        "act": operation.act.value,
        "as_of": rfc3339(operation.as_of),
        "matched": len(records),
        "more": preview.is_more,
        "complete": preview.is_whole,
        "summary": summary_of(preview),
        "samples": [job_summary(record) for record in records[:SAMPLES]],
        "spread": {
            "type": _count(record.type for record in records),
            "tenant": _count(record.tenant for record in records),
            "release": _count(record.listing.release if record.listing else "" for record in records),
        },
    }


def summary_of(preview: Preview) -> str:
    """How many there are, in words."""
    if preview.is_more:
        return f"more than {MOST_COUNTED:,}"
    counted = f"{len(preview.records):,}"
    return counted if preview.is_whole else f"at least {counted}"


def _count(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
