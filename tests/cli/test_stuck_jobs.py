"""Jobs whose message is gone are found among the records, counted, and mended by the command that is named."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from msgspec.structs import replace

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Calls, Read, Request
from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import CheckResult
from cqworker.aws.doctor.check_result import collect
from cqworker.aws.doctor.stuck_jobs import MAX_READ_UNITS, OVERDUE_SECONDS, PAGE_RECORDS, check_stuck_jobs
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.operations import Operation
from cqworker.clock import SystemClock
from cqworker.model.envelope import Envelope
from cqworker.model.record import JobRecord, record_from
from cqworker.model.status import Status
from cqworker.settings import Settings
from tests.cli.hands import CLOCK, Hands
from tests.cli.running import invoke, told
from tests.patience import Patience

LONG_AGO = -(OVERDUE_SECONDS + 60)


def record(job_id: str, status: Status = Status.RUNNING, lease: int | None = LONG_AGO, **changes: Any) -> JobRecord:
    """A record whose lease ends so many seconds from now."""
    now = SystemClock().now()
    envelope = Envelope(
        job_id=job_id,
        type="text.transform",
        queue="cqworker",
        tenant="default",
        payload='{"text":"again"}',
        round=1,
        max_attempts=5,
        created_at=now,
    )
    made = record_from(envelope, now // 1000 + 86_400, None)
    ends = None if lease is None else now + lease * 1000
    return replace(made, status=status, attempt=1, token="boot.1", lease_expires_at=ends, **changes)


def put(hands: Any, table: str, *records: JobRecord) -> None:
    for each in records:
        hands.put_item(TableName=table, Item=item_of(each))


async def found_in(calls: Calls, table: str, records: int = 1000) -> CheckResult:
    [finding] = await collect("table", check_stuck_jobs(calls, table, CLOCK, records))
    return finding


@pytest.mark.asyncio(loop_scope="module")
async def test_jobs_long_past_their_lease_are_found_counted_and_named_with_what_mends_them(
    clients: AwsClients, hands: Hands
) -> None:
    table = hands.settings.store.table
    assert (await found_in(clients, table)).what == "No job is stuck in all 0 records."
    sound = [
        record("alive", lease=30),
        record("late", lease=-60),
        record("waiting", Status.QUEUED),
        record("done", Status.SUCCEEDED),
        record("forgotten", purge_at=1),
    ]
    put(hands.dynamodb, table, *sound)
    assert (await found_in(clients, table)).what == "No job is stuck in all 5 records."
    put(hands.dynamodb, table, record("stuck-1"), record("stuck-2", lease=None))
    finding = await found_in(clients, table)
    assert finding.level == "warning"
    assert finding.what.startswith("2 jobs in all 7 records RUNNING over 15 minutes after the lease ended: ")
    assert re.search(r"stuck-1 \(text.transform, since \d{4}-", finding.what)
    assert "stuck-2 (text.transform)" in finding.what
    assert {"cqworker jobs retry stuck-1", "cqworker jobs retry stuck-2"} <= set(re.split("[:;] ", finding.fix))


class Counted:
    """Scans that cost `units` each and find a stuck job a page, of a table without end."""

    def __init__(self, units: float) -> None:
        self.units = units
        self.limits: list[int] = []

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        assert (operation.name, "ExclusiveStartKey" in request) == ("Scan", bool(self.limits))
        self.limits.append(request["Limit"])
        item = item_of(record(f"job-{len(self.limits)}"))
        cost = {"CapacityUnits": self.units}
        return {
            "Items": [item],
            "ScannedCount": request["Limit"],
            "LastEvaluatedKey": {"x": 1},
            "ConsumedCapacity": cost,
        }


async def test_the_search_ends_after_so_many_records_and_says_how_far_it_came() -> None:
    calls = Counted(1.0)
    finding = await found_in(calls, "jobs", 600)
    assert calls.limits == [PAGE_RECORDS, PAGE_RECORDS, 100]
    assert finding.what.startswith("3 jobs in the first 600 records RUNNING")


async def test_the_search_ends_after_so_many_read_units() -> None:
    calls = Counted(MAX_READ_UNITS / 2)
    finding = await found_in(calls, "jobs", 100_000)
    assert len(calls.limits) == 2
    assert "in the first 500 records" in finding.what


async def test_only_the_first_jobs_are_named_and_all_are_counted() -> None:
    finding = await found_in(Counted(1.0), "jobs", PAGE_RECORDS * 8)
    assert finding.what.startswith("8 jobs in")
    assert finding.what.endswith(" ….")
    assert finding.fix.count("cqworker jobs retry") == 5


@pytest.mark.usefixtures("on_aws")
def test_the_command_that_the_doctor_names_mends_a_job_whose_message_is_gone(dynamodb: Any) -> None:
    job = record("stuck-for-good")
    put(dynamodb, Settings().store.table, job)
    [finding] = [each for each in told(invoke("doctor", "--json")) if each["level"] == "warning"]
    assert job.job_id in finding["what"]
    assert not [each for each in told(invoke("doctor", "--records", "0", "--json")) if "stuck" in each["what"]]
    command = f"cqworker jobs retry {job.job_id}"
    assert command in finding["fix"]
    assert invoke(*command.split()[1:]).exit_code == 0
    waiting = Patience(30)
    while (shown := told(invoke("jobs", "show", job.job_id, "--json")))["status"] != "SUCCEEDED":
        assert not waiting.is_over, shown
        time.sleep(0.1)
    assert (shown["attempt"], shown["round"], shown["result"]["uppercase"]) == (2, 1, "AGAIN")
    assert {each["level"] for each in told(invoke("doctor", "--json"))} == {"ok"}
