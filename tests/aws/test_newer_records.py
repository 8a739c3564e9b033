"""Records that a newer worker wrote: what this one cannot read costs its job no attempt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.batched_store import BatchedStore
from cqworker.aws.dynamodb.items import item_of
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.errors import Unavailable
from cqworker.events import ignore
from cqworker.flow.acknowledger import Leave
from cqworker.flow.claim import Claimer
from cqworker.flow.context import Context
from cqworker.flow.schedule_state import ScheduleState
from cqworker.health.service_health import ServiceHealth
from cqworker.model.record import envelope_of
from cqworker.model.retention import Retention
from cqworker.ports import Delivery
from cqworker.testing import MemoryStore
from cqworker.testing.memory_unique_keys import MemoryUniqueKeys
from tests.aws.stub import Answering, Seen, body_of, ok, serving
from tests.contract.clock import SetClock
from tests.contract.test_store_races import claim_of, submitted

SpeakTo = Callable[..., None]
Said = dict[str, Any]
JOB = submitted()
NOVEL: Said = {**item_of(JOB), "failure": {"S": json.dumps({"kind": "novel", "message": "of a later version"})}}


class Mint:
    """Hands out tokens that a test knows."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new_token(self) -> str:
        return f"boot.{next(self._numbers)}"


@pytest.fixture
def store(clients: AwsClients) -> DynamoStore:
    return DynamoStore(clients, "jobs", SetClock())


def refusal(item: Said) -> web.Response:
    body = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": item}
    return web.json_response(body, status=400, content_type="application/x-amz-json-1.0")


def applying(item: Said) -> Answering:
    """The first single write is applied, the others are refused with what it left; so are all batches applied."""
    applied = False

    async def answer(seen: Seen) -> web.StreamResponse:
        nonlocal applied
        if seen.operation == "BatchExecuteStatement":
            applied = True
            statements: Sequence[object] = body_of(seen)["Statements"]  # type: ignore[assignment]
            return ok(Responses=[{"TableName": "jobs", "Item": item}] * len(statements))
        if applied:
            return refusal(item)
        applied = True
        return ok(Attributes=item)

    return answer


async def test_a_claim_whose_record_cannot_be_read_is_handed_back(store: DynamoStore, speak_to: SpeakTo) -> None:
    clock = SetClock()
    health = ServiceHealth(clock, ignore, ())
    context = Context(
        store=store,
        health=health,
        clock=clock,
        emit=ignore,
        retention=Retention(days=30),
        schedule=ScheduleState(None, clock),
        unique_keys=MemoryUniqueKeys(MemoryStore(clock)),
        worker="w1",
    )
    claimer = Claimer(context, Mint(), 60.0)  # type: ignore[arg-type]  # tokens that the test knows
    delivery = Delivery(
        queue="jobs", message_id="1", receipt="r", body="", receive_count=1, sent_at=0, received_at=clock.monotonic()
    )
    async with serving(applying(NOVEL)) as stub:
        speak_to(stub.url)
        assert await claimer.claim(delivery, envelope_of(JOB, round_number=1)) == Leave()
    assert len(stub.seen) == 2
    claim, back = map(body_of, stub.seen)
    assert "boot.1" in json.dumps(claim["ExpressionAttributeValues"])
    assert "boot.1" in json.dumps(back["ExpressionAttributeValues"])
    assert "attempt" in str(back["UpdateExpression"])


async def test_a_write_that_was_refused_by_what_cannot_be_read_may_have_been_applied_before(
    store: DynamoStore, speak_to: SpeakTo
) -> None:
    async with serving(applying(NOVEL)) as stub:
        speak_to(stub.url)
        for _ in range(2):
            with pytest.raises(Unavailable, match="novel") as caught:
                await store.write(claim_of(JOB, "boot.1"))
            assert caught.value.ambiguous


async def test_claims_of_a_batch_whose_records_cannot_be_read_may_have_been_applied(
    clients: AwsClients, store: DynamoStore, speak_to: SpeakTo
) -> None:
    batched = BatchedStore(store, clients, "jobs")
    claims = [claim_of(replace(JOB, job_id=f"job-{number}"), f"boot.{number}") for number in (1, 2)]
    async with serving(applying(NOVEL)) as stub:
        speak_to(stub.url)
        faults = await asyncio.gather(*map(batched.write, claims), return_exceptions=True)
    assert stub.seen[0].operation == "BatchExecuteStatement"
    assert [isinstance(fault, Unavailable) and fault.ambiguous for fault in faults] == [True, True]


async def test_a_read_of_what_cannot_be_read_is_not_ambiguous(store: DynamoStore, speak_to: SpeakTo) -> None:
    async def answer(_: Seen) -> web.StreamResponse:
        return ok(Item=NOVEL)

    async with serving(answer) as stub:
        speak_to(stub.url)
        with pytest.raises(Unavailable, match="novel") as caught:
            await store.get(JOB.job_id)
    assert not caught.value.ambiguous
