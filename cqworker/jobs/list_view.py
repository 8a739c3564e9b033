"""A page of a list, and a count, as JSON-able data: the API and the client that needs no API answer alike."""

from __future__ import annotations

from cqworker.jobs.job_lists import JobCount
from cqworker.jobs.list_page import JobPage
from cqworker.model.job_view import job_summary
from cqworker.model.timestamps import rfc3339


def page_view(page: JobPage) -> dict[str, object]:
    """The page; its times are RFC 3339."""
    return {
        "jobs": [job_summary(record) for record in page.jobs],
        "next": page.next,
        "looked_at": page.looked_at,
        "looked_back_to": rfc3339(page.looked_back_to),
        "complete": page.next is None,
        "source": "workers" if page.is_of_workers else "index",
        "unnamed": page.unnamed,
    }


def count_view(counted: JobCount) -> dict[str, object]:
    """The count; its time is RFC 3339."""
    return {
        "count": counted.count,
        "next": counted.next,
        "counted_back_to": rfc3339(counted.counted_back_to),
        "complete": counted.next is None,
    }
