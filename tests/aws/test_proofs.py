"""Accepted is what AWS says it has: everything else may have been done, and is asked for again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.dynamodb.job_store import DynamoStore
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.s3.artifact_store import S3Artifacts
from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.clock import SystemClock
from cqworker.errors import Unavailable
from cqworker.ports import KeyItem, Letter
from tests.aws.stub import Seen, error, ok, serving
from tests.contract.test_store_races import claim_of, submitted

SpeakTo = Callable[..., None]
URL = "http://127.0.0.1/queue"
PAGE = "<html><body>Please log in</body></html>"


class Ports:
    """The ports, and every call that writes."""

    def __init__(self, clients: AwsClients) -> None:
        self.queue = SqsQueue(clients, "jobs", SystemClock())
        self.store = DynamoStore(clients, "jobs", SystemClock())
        self.artifacts = S3Artifacts(clients, "some", "thing/")

    def writes(self) -> list[Callable[[], Awaitable[Any]]]:
        return [
            lambda: self.queue.send(Letter(body="{}")),
            lambda: self.queue.delete(["r"]),
            lambda: self.queue.change_visibility([("r", 0)]),
            lambda: self.store.write(claim_of(submitted(), "boot.1")),
            lambda: self.store.reserve_key(KeyItem("k", "j", "r", 1), 0),
            lambda: self.artifacts.put("k", b"", "text/plain"),
        ]

    def reads(self) -> list[Callable[[], Awaitable[Any]]]:
        return [
            lambda: self.queue.receive(1, 0, 30),
            self.queue.depth,
            lambda: self.store.get("j"),
            self.store.check,
            lambda: self.artifacts.get("s3://some/thing/k", 10_000),
        ]


@pytest.fixture
def ports(clients: AwsClients) -> Ports:
    return Ports(clients)


async def page(seen: Seen) -> web.StreamResponse:
    """A proxy that answers everything with a page, but for the queue's address."""
    if seen.operation == "GetQueueUrl":
        return ok(QueueUrl=URL)
    return web.Response(text=PAGE, content_type="text/html")


async def test_a_page_is_no_success_of_any_call(ports: Ports, speak_to: SpeakTo) -> None:
    async with serving(page) as stub:
        speak_to(stub.url)
        for write in ports.writes():
            with pytest.raises(AwsFault, match="could not be read") as caught:
                await write()
            assert caught.value.ambiguous
        for read in ports.reads():
            with pytest.raises(AwsFault, match="could not be read"):
                await read()


@pytest.mark.parametrize("said", [{}, {"MessageId": ""}, {"Surprise": 1}])
async def test_a_send_without_a_message_id_may_or_may_not_have_been_sent(
    ports: Ports, speak_to: SpeakTo, said: dict[str, object]
) -> None:
    async with serving(saying(**said)) as stub:
        speak_to(stub.url)
        with pytest.raises(AwsFault, match="could not be read") as caught:
            await ports.queue.send(Letter(body="{}"))
    assert caught.value.ambiguous


def saying(**said: object) -> Callable[[Seen], Awaitable[web.StreamResponse]]:
    async def judge(seen: Seen) -> web.StreamResponse:
        return ok(QueueUrl=URL) if seen.operation == "GetQueueUrl" else ok(**said)

    return judge


SENT = {"Id": "0", "MessageId": "m"}


@pytest.mark.parametrize(
    ("successful", "missing"),
    [
        ([SENT], [1, 2]),
        ([SENT, {"Id": "2"}], [1, 2]),
        ([SENT, {"Id": "1", "MessageId": "m"}, {"Id": "7", "MessageId": "m"}], [2]),
        ([], [0, 1, 2]),
        (None, [0, 1, 2]),
    ],
)
async def test_an_entry_of_a_batch_that_is_not_named_may_or_may_not_have_been_sent(
    ports: Ports, speak_to: SpeakTo, successful: object, missing: list[int]
) -> None:
    async with serving(saying(Successful=successful)) as stub:
        speak_to(stub.url)
        answers = await ports.queue.send_many([Letter(body="{}")] * 3)
    assert [place for place, fault in enumerate(answers) if fault is not None] == missing
    assert all(isinstance(fault, Unavailable) and fault.ambiguous for fault in answers if fault is not None)


async def test_a_delete_or_a_change_that_is_not_named_is_not_done(ports: Ports, speak_to: SpeakTo) -> None:
    failed = [{"Id": "1", "Code": "ReceiptHandleIsInvalid"}, {"Id": "9", "Code": "Other"}]
    async with serving(saying(Successful=[{"Id": "0"}], Failed=failed)) as stub:
        speak_to(stub.url)
        deleted = await ports.queue.delete(["a", "b", "c"])
        hidden = await ports.queue.change_visibility([("a", 0), ("b", 0), ("c", 0)])
    for faults in (deleted, hidden):
        assert [(fault.receipt, fault.gone) for fault in faults] == [("b", True), ("c", False)]


async def test_an_object_without_an_etag_may_or_may_not_be_there(ports: Ports, speak_to: SpeakTo) -> None:
    async def judge(seen: Seen) -> web.StreamResponse:
        return web.Response(headers={"ETag": '"1"'} if seen.path.endswith("good") else {})

    async with serving(judge) as stub:
        speak_to(stub.url)
        assert await ports.artifacts.put("good", b"", "text/plain") == "s3://some/thing/good"
        with pytest.raises(AwsFault, match="could not be read") as caught:
            await ports.artifacts.put("bad", b"", "text/plain")
    assert caught.value.ambiguous


async def test_an_update_without_its_record_may_or_may_not_have_been_applied(ports: Ports, speak_to: SpeakTo) -> None:
    async with serving(saying(Attributes=None)) as stub:
        speak_to(stub.url)
        with pytest.raises(AwsFault, match="could not be read") as caught:
            await ports.store.write(claim_of(submitted(), "boot.1"))
    assert caught.value.ambiguous


async def test_a_key_that_is_held_by_nobody_named_is_a_fault(ports: Ports, speak_to: SpeakTo) -> None:
    async def judge(_: Seen) -> web.StreamResponse:
        return error(400, "ConditionalCheckFailedException")

    async with serving(judge) as stub:
        speak_to(stub.url)
        with pytest.raises(AwsFault, match="could not be read"):
            await ports.store.reserve_key(KeyItem("k", "j", "r", 1), 0)
