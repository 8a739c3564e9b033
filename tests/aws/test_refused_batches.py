"""A request of ten that is refused whole, for the sake of one of them, loses none of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import SystemClock
from cqworker.errors import Unavailable
from cqworker.ports import BATCH, Letter
from tests.aws.stub import Seen, body_of, error, ok, serving

SpeakTo = Callable[..., None]
URL = "https://sqs.example/queue"
TEN = [f"e{number}" for number in range(BATCH)]
REFUSAL = error(400, "InvalidParameterValue", "One of them is not as it should be.")
PLACES = pytest.mark.parametrize("place", range(BATCH))


class Fussy:
    """Takes no batch, and every entry alone but one; `taken` are those it took."""

    def __init__(self, refused: str) -> None:
        self.taken: list[str] = []
        self._refused = refused

    async def judge(self, seen: Seen) -> web.StreamResponse:
        if seen.operation == "GetQueueUrl":
            return ok(QueueUrl=URL)
        body = body_of(seen)
        entry = body.get("MessageBody") or body.get("ReceiptHandle")
        if entry in (None, self._refused):
            return web.Response(status=REFUSAL.status, body=REFUSAL.body)
        self.taken.append(str(entry))
        return ok(MessageId="1")


@pytest.fixture
def queue(clients: AwsClients) -> SqsQueue:
    return SqsQueue(clients, "jobs", SystemClock())


@PLACES
async def test_ten_letters_that_are_refused_together_are_sent_alone(
    queue: SqsQueue, speak_to: SpeakTo, place: int
) -> None:
    fussy = Fussy(TEN[place])
    async with serving(fussy.judge) as stub:
        speak_to(stub.url)
        answers = await queue.send_many([Letter(body=body) for body in TEN])
    assert sorted(fussy.taken) == [body for body in TEN if body != TEN[place]]
    assert [number for number, answer in enumerate(answers) if answer is not None] == [place]
    refused = answers[place]
    assert isinstance(refused, Unavailable)
    assert not refused.ambiguous


@PLACES
async def test_ten_deletes_that_are_refused_together_are_done_alone(
    queue: SqsQueue, speak_to: SpeakTo, place: int
) -> None:
    fussy = Fussy(TEN[place])
    async with serving(fussy.judge) as stub:
        speak_to(stub.url)
        faults = await queue.delete(TEN)
    assert fussy.taken == [receipt for receipt in TEN if receipt != TEN[place]]
    assert [(fault.receipt, fault.gone) for fault in faults] == [(TEN[place], True)]


@PLACES
async def test_ten_changes_that_are_refused_together_are_made_alone(
    queue: SqsQueue, speak_to: SpeakTo, place: int
) -> None:
    fussy = Fussy(TEN[place])
    async with serving(fussy.judge) as stub:
        speak_to(stub.url)
        faults = await queue.change_visibility([(receipt, 30) for receipt in TEN])
    assert fussy.taken == [receipt for receipt in TEN if receipt != TEN[place]]
    assert [(fault.receipt, fault.gone) for fault in faults] == [(TEN[place], True)]
