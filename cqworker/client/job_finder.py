"""The part of the client that finds jobs: lists, page by page, and counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime

from cqworker.client.client_errors import DaemonRefused
from cqworker.client.job_types import View
from cqworker.client.list_filters import MOST, filters_of
from cqworker.client.transport import Transport
from cqworker.model.public_job import JobSummary
from cqworker.model.status import Status
from cqworker.model.view_reader import summary_from
from cqworker.suggestions import submission_terms as words
from cqworker.suggestions.call_errors import explain_misuse


class JobFinder:
    """Finds jobs by how they ended, and by what they are."""

    @property
    def _transport(self) -> Transport:
        raise NotImplementedError

    @explain_misuse(words.LIST)
    async def list(  # noqa: PLR0913 - what a list may be asked for, by name
        self,
        *,
        status: Status | str | None = None,
        type: str | None = None,  # noqa: A002 - as a job has it
        queue: str | None = None,
        tenant: str | None = None,
        tag: str | None = None,
        worker: str | None = None,
        release: str | None = None,
        fingerprint: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
    ) -> AsyncIterator[JobSummary]:
        """The jobs that are so, the newest first, one page after the other for as long as they are asked for.

        The time, from `since` to before `until`, is when a job became FAILED (or CANCELLED, where that is listed), is
        due if it is SCHEDULED, and else was submitted. Without an index of all jobs RUNNING ones are those that the
        workers' heartbeats name, the longest-running first. Raises ListingRefused, and NotProvisioned where the table
        has no index for such a list.
        """
        asked = filters_of(
            status=status,
            type=type,
            queue=queue,
            tenant=tenant,
            tag=tag,
            worker=worker,
            release=release,
            fingerprint=fingerprint,
            since=since,
            until=until,
        )
        async for page in _pages(self._transport.list, asked | {"limit": str(MOST)}):
            for shown in page["jobs"]:
                yield _read_summary(shown)

    @explain_misuse(words.COUNT)
    async def count(  # noqa: PLR0913 - as list()
        self,
        *,
        status: Status | str = Status.FAILED,
        type: str | None = None,  # noqa: A002 - as a job has it
        queue: str | None = None,
        tenant: str | None = None,
        worker: str | None = None,
        release: str | None = None,
        fingerprint: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
    ) -> int:
        """How many jobs became FAILED (or CANCELLED, where that is listed), over as many requests as it takes.

        Raises as `list` does.
        """
        asked = filters_of(
            status=status,
            type=type,
            queue=queue,
            tenant=tenant,
            worker=worker,
            release=release,
            fingerprint=fingerprint,
            since=since,
            until=until,
        )
        return sum([page["count"] async for page in _pages(self._transport.count, asked)])


async def _pages(ask: Callable[[Mapping[str, str]], Awaitable[View]], asked: Mapping[str, str]) -> AsyncIterator[View]:
    """Each page of a list, or of a count, asked for once the one before it was used."""
    cursor: Mapping[str, str] | None = {}
    while cursor is not None:
        page = await ask({**asked, **cursor})
        yield page
        cursor = {"cursor": page["next"]} if page["next"] else None


def _read_summary(shown: View) -> JobSummary:
    try:
        return summary_from(shown)
    except (KeyError, TypeError, ValueError) as error:
        raise DaemonRefused(f"The answer shows a job that this version cannot read ({error!r}).") from error
