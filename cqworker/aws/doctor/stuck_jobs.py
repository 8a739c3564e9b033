"""Jobs that are RUNNING though their lease ended long ago: their message is gone, or waits somewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from cqworker.aws.aws_call import Calls
from cqworker.aws.doctor.check_result import CheckResult
from cqworker.aws.dynamodb.items import JOB_PREFIX, SORT_KEY, number, text
from cqworker.aws.operations import Operation
from cqworker.clock import Clock
from cqworker.model.status import Status
from cqworker.model.timestamps import rfc3339

SCAN = Operation("dynamodb", "Scan", "dynamodb:Scan")
OVERDUE_SECONDS = 900
"""Seconds since a lease ended: by then its message has long been visible again, and in a queue that moves, received."""
PAGE_RECORDS = 250
"""Records in one request: a page reads at most so many times 4 KB of a table that serves workers meanwhile."""
MAX_READ_UNITS = 500.0
"""Read units after which the search ends, however few records that were."""
MAX_NAMED = 5
"""Jobs that the text names: more would hide its advice."""
STUCK = (
    "#status = :running AND sk = :job AND purge_at > :now_s"
    " AND (attribute_not_exists(lease_expires_at) OR lease_expires_at < :long_ago)"
)
PROJECTION = "pk, #type, lease_expires_at"


@dataclass(slots=True)
class SearchState:
    """How far a search came, and what it found."""

    looked_at: int = 0
    units: float = 0.0
    is_over: bool = False
    jobs: list[dict[str, Any]] = field(default_factory=list)


async def check_stuck_jobs(clients: Calls, table: str, clock: Clock, records: int) -> AsyncIterator[CheckResult]:
    """What the first `records` records of the table show; a search that ends early says so."""
    search = await _search(clients, table, clock, records)
    subject = f"table {table}"
    extent = f"{'all' if search.is_over else 'the first'} {search.looked_at} records"
    if not search.jobs:
        more = "" if search.is_over else " (--records N looks further)"
        yield CheckResult("ok", subject, f"No job is stuck in {extent}{more}.")
        return
    ids = [job["pk"]["S"].removeprefix(JOB_PREFIX) for job in search.jobs]
    named = ", ".join(map(_describe, search.jobs[:MAX_NAMED])) + (" …" if len(ids) > MAX_NAMED else "")
    count = f"{len(ids)} job{'' if len(ids) == 1 else 's'}"
    what = f"{count} in {extent} RUNNING over {OVERDUE_SECONDS // 60} minutes after the lease ended: {named}."
    commands = "; ".join(f"cqworker jobs retry {job_id}" for job_id in ids[:MAX_NAMED])
    fix = f"Unless the queue is that long, the message is gone. Send it again, which harms in no case: {commands}"
    yield CheckResult("warning", subject, what, fix)


async def _search(clients: Calls, table: str, clock: Clock, records: int) -> SearchState:
    now, search = clock.now(), SearchState()
    request: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": STUCK,
        "ProjectionExpression": PROJECTION,
        "ExpressionAttributeNames": {"#status": "status", "#type": "type"},
        "ExpressionAttributeValues": {
            ":running": text(Status.RUNNING),
            ":job": SORT_KEY,
            ":now_s": number(now // 1000),
            ":long_ago": number(now - OVERDUE_SECONDS * 1000),
        },
        "ReturnConsumedCapacity": "TOTAL",
    }
    while not search.is_over and search.looked_at < records and search.units < MAX_READ_UNITS:
        asked = {**request, "Limit": min(PAGE_RECORDS, records - search.looked_at)}
        answer = await clients.call(SCAN, asked, f'table "{table}"')
        search.looked_at += int(answer.get("ScannedCount", 0))
        search.units += float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0))
        search.jobs += answer.get("Items", ())
        request["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
        search.is_over = request["ExclusiveStartKey"] is None
    return search


def _describe(job: dict[str, Any]) -> str:
    ended = job.get("lease_expires_at", {}).get("N")
    since = f", since {rfc3339(int(ended))}" if ended else ""
    return f"{job['pk']['S'].removeprefix(JOB_PREFIX)} ({job.get('type', {}).get('S', '?')}{since})"
