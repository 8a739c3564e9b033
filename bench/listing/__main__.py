"""Loads a table and times pages: `python -m tests.engines -- .venv/bin/python -m bench.listing [--records 1000000]`."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections.abc import Iterable, Mapping
from typing import Any

from bench.listing.records import records
from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.due_index import DynamoSchedule
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.dynamodb.listing_index import DynamoListing
from cqworker.aws.operations import Operation
from cqworker.aws.provision.create_table import ensure_table
from cqworker.clock import SystemClock
from cqworker.events import ignore
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.list_ask import list_ask_from
from cqworker.model.record import JobRecord
from cqworker.model.status import Status

BATCH_WRITE = Operation("dynamodb", "BatchWriteItem", "dynamodb:BatchWriteItem", writes=True)
TABLE = "cqworker-bench-listing"
AT_ONCE = 25
"""Items of one BatchWriteItem (DynamoDB API reference)."""
LOADERS = 6
"""Requests that are under way at once while the table is loaded."""
TURNS = 50
"""Times that each page is asked for; the figure is their median."""
FAILED = {"status": "FAILED"}
ASKED: Mapping[str, Mapping[str, str]] = {
    "failed": FAILED,
    "failed, second page": FAILED | {"cursor": ""},
    "of a type": FAILED | {"type": "orders.step3"},
    "of a rare type": FAILED | {"type": "rare.type"},
    "of no type there is": FAILED | {"type": "nobodys"},
    "of a queue": FAILED | {"queue": "slow"},
    "of a tenant": FAILED | {"tenant": "acme"},
    "with a tag": FAILED | {"tag": "blue"},
    "with a rare tag": FAILED | {"tag": "rare"},
    "by a worker": FAILED | {"worker": "w7"},
    "of a release": FAILED | {"release": "1.2"},
    "of a rare release": FAILED | {"release": "rare"},
    "of a fingerprint": FAILED | {"fingerprint": "00000005"},
    "of a rare fingerprint": FAILED | {"fingerprint": "rare0000"},
    "from and to": FAILED | {"from": "a", "to": "b"},
    "scheduled": {"status": "SCHEDULED"},
    "scheduled, of a tenant": {"status": "SCHEDULED", "tenant": "acme"},
    "every job": {},
    "queued": {"status": "QUEUED"},
    "every job of a rare type": {"type": "rare.type"},
}


async def load(clients: AwsClients, made: Iterable[JobRecord], number: int, minutes: float) -> None:
    """Writes the records for at most so many minutes, and says now and then how many."""
    batches = itertools.batched(made, AT_ONCE) if hasattr(itertools, "batched") else _batched(made)
    began, written = time.monotonic(), 0

    async def write_on() -> None:
        nonlocal written
        for batch in batches:
            if time.monotonic() - began > minutes * 60:
                return
            puts: Any = {TABLE: [{"PutRequest": {"Item": item_of(record)}} for record in batch]}
            while puts:
                answer = await clients.call(BATCH_WRITE, {"RequestItems": puts}, "the bench's table", seconds=60)
                puts = answer.get("UnprocessedItems")
            written += len(batch)
            if written % 10_000 < AT_ONCE:
                print(f"{written:>9,} of {number:,} records after {time.monotonic() - began:.0f} s", flush=True)

    await asyncio.gather(*(write_on() for _ in range(LOADERS)))
    print(f"{written:,} records are there after {time.monotonic() - began:.0f} s", flush=True)


def _batched(made: Iterable[JobRecord]) -> Iterable[tuple[JobRecord, ...]]:
    """What itertools.batched does (from Python 3.12 on)."""
    each = iter(made)
    while batch := tuple(itertools.islice(each, AT_ONCE)):
        yield batch


async def time_pages(lists: JobLists, now: float) -> None:
    """Prints the median of each page of 100."""
    print(f"{'page of 100':<26} {'median':>8} {'most':>8}  jobs  looked at  complete", flush=True)
    for name, asked in ASKED.items():
        texts = dict(asked) | {"limit": "100"}
        if "from" in texts:
            days = [time.strftime("%Y-%m-%d", time.gmtime(now - back * 86_400)) for back in (9, 6)]
            texts |= {"from": days[0], "to": days[1]}
        if "cursor" in texts:
            del texts["cursor"]
            texts["cursor"] = (await lists.page(list_ask_from(texts), None)).next or ""
        ask, took = list_ask_from(texts), list[float]()
        page = await lists.page(ask, None)
        for _ in range(TURNS):
            began = time.perf_counter()
            page = await lists.page(ask, None)
            took.append((time.perf_counter() - began) * 1000)
        said = f"{statistics.median(took):>5.0f} ms {max(took):>5.0f} ms"
        print(f"{name:<26} {said}  {len(page.jobs):>4}  {page.looked_at:>9,}  {page.next is None}", flush=True)
    began = time.perf_counter()
    counted = await lists.count(list_ask_from(FAILED), None)
    print(f"count of FAILED: {counted.count:,} in {time.perf_counter() - began:.2f} s, all: {counted.next is None}")


async def run(number: int, minutes: float, *, loaded: bool) -> None:
    """Loads so many records, unless they are `loaded`, and times what can be asked of them."""
    clock = SystemClock()
    now = clock.now()
    async with AwsClients(ignore, pollers=LOADERS) as clients:
        if not loaded:  # to describe a large table takes DynamoDB Local longer than a call may: it counts the items
            await ensure_table(clients, TABLE, list_all=True, dry_run=False)
            await load(clients, records(number, now), number, minutes)
        listing, schedule = DynamoListing(clients, TABLE), DynamoSchedule(clients, TABLE, clock)
        lists = JobLists(listing, schedule, clock, listed=(Status.FAILED,), retention_days=30)
        await time_pages(lists, now / 1000)


parser = argparse.ArgumentParser(prog="python -m bench.listing", description=__doc__)
parser.add_argument("--records", type=int, default=1_000_000)
parser.add_argument("--minutes", type=float, default=60.0, help="after which the loading stops")
parser.add_argument("--loaded", action="store_true", help="the table was loaded by an earlier run on the same engine")
arguments = parser.parse_args()
asyncio.run(run(arguments.records, arguments.minutes, loaded=arguments.loaded))
