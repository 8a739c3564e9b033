"""A call's tries, deadline and events: what the SDK repeats, and what we may say of it afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cqworker.aws import aws_call as deadlines
from cqworker.aws.clients import AwsClients
from cqworker.aws.operations import DELETE_BATCH, GET_ITEM, RECEIVE, SEND, UPDATE_ITEM, Operation
from cqworker.errors import Unavailable
from cqworker.events import ServiceCalled
from tests.aws.stub import Seen, answers, error, forever, ok, serving
from tests.processes.scarcity import without_descriptors

Told = list[ServiceCalled]
SpeakTo = Callable[..., None]


async def failing(clients: AwsClients, operation: Operation, seconds: float = 5) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await clients.call(operation, {}, "something", seconds=seconds)
    return caught.value


@asynccontextmanager
async def breaking_once() -> AsyncIterator[str]:
    """A server that takes one request, breaks its connection, and is gone."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        server.close()
        writer.transport.abort()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        await server.wait_closed()


async def test_a_call_that_finds_no_descriptor_blames_this_process_and_the_next_one_goes_on(
    clients: AwsClients, speak_to: SpeakTo
) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        with without_descriptors(os.getpid()):
            fault = await failing(clients, UPDATE_ITEM)
        assert ("no file descriptor left" in fault.cause, fault.ambiguous) == (True, False)
        assert await clients.call(UPDATE_ITEM, {}, "something", seconds=5) is not None


@pytest.mark.parametrize("operation", [SEND, RECEIVE, UPDATE_ITEM, GET_ITEM, DELETE_BATCH])
async def test_a_call_that_keeps_failing_is_tried_three_times(
    clients: AwsClients, speak_to: SpeakTo, operation: Operation
) -> None:
    async with serving(answers(error(500, "InternalServerError"))) as stub:
        speak_to(stub.url)
        fault = await failing(clients, operation)
    assert [seen.operation for seen in stub.seen] == [operation.name] * 3
    assert fault.ambiguous is operation.writes


@pytest.mark.parametrize("ending", [None, error(500, "InternalServerError")], ids=["broken", "failed"])
@pytest.mark.parametrize(("operation", "tries"), [(RECEIVE, 1), (SEND, 3)])
async def test_a_receive_that_ends_badly_after_a_while_is_left_to_the_next_one(
    clients: AwsClients,
    speak_to: SpeakTo,
    monkeypatch: pytest.MonkeyPatch,
    operation: Operation,
    tries: int,
    ending: web.Response | None,
) -> None:
    monkeypatch.setattr(deadlines, "RECEIVE_RETRY_SECONDS", 0.05)
    answer = answers(ending)

    async def late(seen: Seen) -> web.StreamResponse | None:
        await asyncio.sleep(0.1)
        return await answer(seen)

    async with serving(late) as stub:
        speak_to(stub.url)
        assert (await failing(clients, operation)).ambiguous
    assert len(stub.seen) == tries


async def test_a_call_that_succeeds_on_the_third_try_has_succeeded(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(None, error(503, "ServiceUnavailable"), ok(MessageId="1"))) as stub:
        speak_to(stub.url)
        assert (await clients.call(SEND, {}, "something"))["MessageId"] == "1"
    assert len(stub.seen) == 3


async def test_a_refused_connection_means_that_nothing_was_applied(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(forever) as stub:
        gone = stub.url
    speak_to(gone)
    fault = await failing(clients, SEND)
    assert not fault.ambiguous
    assert gone in fault.cause


async def test_a_broken_connection_leaves_open_what_was_applied(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(None)) as stub:
        speak_to(stub.url)
        assert (await failing(clients, SEND)).ambiguous


async def test_a_send_that_broke_and_was_then_refused_connections_may_still_have_been_applied(
    clients: AwsClients, speak_to: SpeakTo
) -> None:
    async with breaking_once() as url:
        speak_to(url)
        fault = await failing(clients, SEND)
    assert "cannot be reached" in fault.cause
    assert fault.ambiguous


@pytest.mark.parametrize(
    ("first", "ambiguous"), [(error(400, "ThrottlingException"), False), (error(500, "InternalFailure"), True)]
)
async def test_a_throttled_call_was_not_applied_unless_an_earlier_try_was(
    clients: AwsClients, speak_to: SpeakTo, first: web.Response, ambiguous: bool
) -> None:
    async with serving(answers(first, error(400, "ThrottlingException"))) as stub:
        speak_to(stub.url)
        fault = await failing(clients, UPDATE_ITEM)
    assert "throttles" in fault.cause
    assert fault.ambiguous is ambiguous


async def test_one_call_does_not_inherit_the_doubts_of_another(clients: AwsClients, speak_to: SpeakTo) -> None:
    throttled = error(400, "ThrottlingException")
    async with serving(answers(error(500, "InternalFailure"), ok(), throttled)) as stub:
        speak_to(stub.url)
        await clients.call(UPDATE_ITEM, {}, "something")
        assert not (await failing(clients, UPDATE_ITEM)).ambiguous


async def test_a_call_past_its_deadline_is_ambiguous(clients: AwsClients, speak_to: SpeakTo, calls: Told) -> None:
    async with serving(forever) as stub:
        speak_to(stub.url)
        fault = await failing(clients, SEND, seconds=0.5)
    assert fault.ambiguous
    assert "did not answer SendMessage in time" in fault.cause
    assert [(told.result, told.seconds < 5) for told in calls] == [("TimeoutError", True)]


async def test_a_cancelled_call_is_told_of_and_stays_cancelled(
    clients: AwsClients, speak_to: SpeakTo, calls: Told
) -> None:
    async with serving(forever) as stub:
        speak_to(stub.url)
        call = asyncio.create_task(clients.call(SEND, {}, "something"))
        await stub.arrived(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert [told.result for told in calls] == ["Cancelled"]


async def test_every_call_is_told_with_its_result_and_what_it_consumed(
    clients: AwsClients, speak_to: SpeakTo, calls: Told
) -> None:
    consumed = ok(ConsumedCapacity={"TableName": "t", "CapacityUnits": 2.0})
    async with serving(answers(consumed, consumed, ok(), error(400, "AccessDeniedException"))) as stub:
        speak_to(stub.url)
        await clients.call(UPDATE_ITEM, {}, "something")
        await clients.call(GET_ITEM, {}, "something")
        await clients.call(RECEIVE, {}, "something")
        await failing(clients, SEND)
    assert [(told.service, told.operation, told.result, told.write_units, told.read_units) for told in calls] == [
        ("dynamodb", "UpdateItem", "ok", 2.0, 0.0),
        ("dynamodb", "GetItem", "ok", 0.0, 2.0),
        ("sqs", "ReceiveMessage", "ok", 0.0, 0.0),
        ("sqs", "SendMessage", "AccessDeniedException", 0.0, 0.0),
    ]
