"""A write is applied and its answer lost: the SDK asks again, and what is then refused tells that it was us."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import SystemClock
from cqworker.embedded import EmbeddedAws
from cqworker.errors import Unavailable
from cqworker.events import ignore
from cqworker.model.attempt_writes import HandBack, Settle
from cqworker.model.history import Entry
from cqworker.model.operator_writes import AskCancel, Enter
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.writes import Refused, Written
from cqworker.ports import JobStore, Letter
from tests.aws.stub import Answering, Seen, Stub, answers, error, losing_answers
from tests.contract.cases import PURGE
from tests.contract.clock import NOW, SetClock
from tests.contract.test_store_races import claim_of, submitted
from tests.contract.worlds import CREATE_QUEUE, create_table, unique

SpeakTo = Callable[..., None]


@dataclass(slots=True)
class Loss:
    """Loses the answers to the next `left` requests of an operation."""

    operation: str = ""
    left: int = 0

    def __call__(self, seen: Seen) -> bool:
        lost = seen.operation == self.operation and self.left > 0
        self.left -= lost
        return lost


@dataclass(frozen=True, slots=True)
class Line:
    """Clients that reach moto over a line that loses answers."""

    clients: AwsClients
    stub: Stub
    loss: Loss

    def lose(self, operation: str, times: int = 1) -> None:
        self.loss.operation, self.loss.left = operation, times


@pytest.fixture(params=["broken", "failed"])
async def line(request: pytest.FixtureRequest, moto: EmbeddedAws, speak_to: SpeakTo, lean: bool) -> AsyncIterator[Line]:
    instead = answers(error(500, "InternalServerError")) if request.param == "failed" else None
    async with _line(moto, speak_to, lean, instead) as made:
        yield made


@asynccontextmanager
async def _line(moto: EmbeddedAws, speak_to: SpeakTo, lean: bool, instead: Answering | None) -> AsyncIterator[Line]:
    loss = Loss()
    async with losing_answers(moto.endpoint_url, loss, instead) as stub, AwsClients(ignore, lean=lean) as clients:
        speak_to(stub.url)
        yield Line(clients, stub, loss)


@pytest.fixture
async def store(line: Line) -> JobStore:
    table = unique("table")
    await create_table(line.clients, table)
    return DynamoStore(line.clients, table, SetClock())


async def running(store: JobStore) -> JobRecord:
    written = await store.write(claim_of(submitted(), "boot.1"))
    assert isinstance(written, Written)
    return written.record


async def test_a_claim_whose_answer_was_lost_is_refused_with_our_own_token(line: Line, store: JobStore) -> None:
    job = submitted()
    await store.write(Enter(record=job))
    line.lose("UpdateItem")
    answer = await store.write(claim_of(job, "boot.1"))
    assert isinstance(answer, Refused)
    assert answer.seen is not None
    assert (answer.seen.token, answer.seen.attempt, answer.seen.status) == ("boot.1", 1, Status.RUNNING)


async def test_a_settle_whose_answer_was_lost_knows_itself(line: Line, store: JobStore) -> None:
    job = await running(store)
    ending = Settle(
        job_id=job.job_id,
        token="boot.1",
        status=Status.SUCCEEDED,
        now=NOW,
        purge_at=PURGE,
        entry=Entry(NOW, "succeeded"),
        result="1",
    )
    line.lose("UpdateItem")
    answer = await store.write(ending)
    assert isinstance(answer, Refused)
    assert ending.was_applied_to(answer.seen)
    assert answer.seen == ending.after(job)


async def test_an_attempt_is_refunded_once_though_asked_for_twice(line: Line, store: JobStore) -> None:
    job = await running(store)
    back = HandBack(job_id=job.job_id, token="boot.1", purge_at=PURGE)
    line.lose("UpdateItem")
    answer = await store.write(back)
    assert isinstance(answer, Refused)
    assert back.was_applied_to(answer.seen)
    assert answer.seen is not None
    assert answer.seen.attempt == 0


async def test_a_cancel_asked_for_twice_keeps_its_time(line: Line, store: JobStore) -> None:
    job = await running(store)
    line.lose("UpdateItem")
    ask = AskCancel(job_id=job.job_id, round=job.round, now=NOW)
    assert await store.write(ask) == Written(replace(job, cancel_requested_at=NOW))


async def test_a_submission_whose_answer_was_lost_is_refused_with_itself(line: Line, store: JobStore) -> None:
    job = submitted()
    line.lose("PutItem")
    assert await store.write(Enter(record=job)) == Refused(job)


async def test_a_write_whose_every_answer_is_lost_is_ambiguous_and_applied_once(line: Line, store: JobStore) -> None:
    job = submitted()
    line.lose("UpdateItem", times=3)
    with pytest.raises(Unavailable) as caught:
        await store.write(claim_of(job, "boot.1"))
    assert caught.value.ambiguous
    found = await store.get(job.job_id)
    assert found is not None
    assert (found.attempt, found.token) == (1, "boot.1")


async def test_a_message_whose_every_answer_is_lost_may_be_there_all_the_same(line: Line) -> None:
    name = unique("queue")
    await line.clients.call(CREATE_QUEUE, {"QueueName": name}, "a test's queue")
    queue = SqsQueue(line.clients, name, SystemClock())
    line.lose("SendMessage", times=3)
    with pytest.raises(Unavailable) as caught:
        await queue.send(Letter(body="perhaps"))
    assert caught.value.ambiguous
    assert {delivery.body for delivery in await queue.receive(10, 1, 60)} == {"perhaps"}
    assert Counter(seen.operation for seen in line.stub.seen)["SendMessage"] == 3
