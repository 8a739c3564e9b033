"""A table that is there already gets its indexes while it holds records, on DynamoDB Local."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.due_index import DynamoSchedule
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.provision.create_table import ensure_table
from cqworker.events import ignore
from cqworker.model.operator_writes import Enter
from cqworker.model.record import SHARDS, shard_of
from cqworker.model.status import Status
from tests.contract.clock import NOW, SetClock
from tests.contract.test_store_races import submitted
from tests.contract.worlds import create_table, unique, use_environment
from tests.engines.running import dynamodb_alone
from tests.patience import scaled

RECORDS = 60
NEVER = 4_000_000_000
"""Epoch seconds in a century: provisioning switches TTL on, and the engine deletes what is past its time."""


async def indexed(schedule: DynamoSchedule) -> list[str]:
    pages = [await schedule.due(str(shard), NOW + 5, 100) for shard in range(SHARDS)]
    return sorted(entry.job_id for page, _ in pages for entry in page)


@pytest.fixture
def quiet_engine() -> Iterator[dict[str, str]]:
    with dynamodb_alone() as variables:
        yield variables


@pytest.mark.engines
async def test_an_index_that_comes_later_has_what_was_there_before(
    quiet_engine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_environment(monkeypatch, quiet_engine)
    async with AwsClients(ignore) as clients:
        table = unique("table")
        await create_table(clients, table)
        store, schedule = DynamoStore(clients, table, SetClock()), DynamoSchedule(clients, table, SetClock())
        names = [f"job-{number}" for number in range(RECORDS)]
        some = replace(submitted(), status=Status.SCHEDULED, scheduled_at=NOW + 5, purge_at=NEVER)
        waiting = [replace(some, job_id=name, due=shard_of(name)) for name in names]
        await asyncio.gather(*(store.write(Enter(record=record)) for record in waiting))
        assert not await schedule.is_ready()
        told = await ensure_table(clients, table, list_all=True, dry_run=True)
        assert [step.action for step in told] == ["unchanged", "changed", "created", "created", "created"]
        assert await ensure_table(clients, table, list_all=True, dry_run=False) == told
        assert await schedule.is_ready()
        async with asyncio.timeout(scaled(30)):
            while await indexed(schedule) != sorted(names):  # noqa: ASYNC110 - an index lags behind its table
                await asyncio.sleep(0.1)
        again = await ensure_table(clients, table, list_all=True, dry_run=False)
        assert {step.action for step in again} == {"unchanged"}
