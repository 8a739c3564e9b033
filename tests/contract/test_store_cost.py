"""What a job costs in DynamoDB, as the engine itself counts it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.events import Event, ServiceCalled
from cqworker.model.attempt_writes import Settle
from cqworker.model.history import Entry
from cqworker.model.operator_writes import Enter
from cqworker.model.status import Status
from cqworker.model.writes import Written
from tests.contract.cases import PURGE
from tests.contract.clock import NOW, SetClock
from tests.contract.test_store_races import claim_of, submitted
from tests.contract.worlds import create_table, unique, use_environment
from tests.engines.running import Engines

TEXT = '{"text":"' + "x" * 100 + '"}'


@pytest.mark.engines
async def test_a_small_job_costs_three_write_units_and_no_read(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_environment(monkeypatch, engines.environment())
    told: list[Event] = []
    async with AwsClients(told.append) as clients:
        table = unique("table")
        await create_table(clients, table)
        store = DynamoStore(clients, table, SetClock())
        job = replace(submitted(), payload=TEXT, metadata={})
        await store.write(Enter(record=job))
        claimed = await store.write(claim_of(job, "Zm9vYmFy.1f"))
        assert isinstance(claimed, Written)
        ending = Settle(
            job_id=job.job_id,
            token="Zm9vYmFy.1f",
            status=Status.SUCCEEDED,
            now=NOW,
            purge_at=PURGE,
            entry=Entry(NOW, "succeeded", 1, "host:1"),
            result=TEXT,
        )
        assert isinstance(await store.write(ending), Written)
    calls = [event for event in told if isinstance(event, ServiceCalled) and event.operation != "CreateTable"]
    assert [(call.operation, call.write_units, call.read_units) for call in calls] == [
        ("PutItem", 1.0, 0.0),
        ("UpdateItem", 1.0, 0.0),
        ("UpdateItem", 1.0, 0.0),
    ]
