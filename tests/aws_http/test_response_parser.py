"""How answers are read: checksums, sizes, refusals, and what is no answer at all."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import orjson
import pytest
from aiohttp import web

from cqworker.aws.aws_call import Declined
from cqworker.aws.clients import AwsClients
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.http import pooled_transport
from cqworker.aws.operations import DELETE_BATCH, EXECUTE_BATCH, GET_ITEM, GET_QUEUE_URL, RECEIVE, UPDATE_ITEM
from cqworker.aws.sqs.message_queue import NO_QUEUE
from cqworker.errors import Unavailable
from cqworker.events import ServiceCalled
from tests.aws.stub import Seen, answers, error, ok, serving
from tests.aws_http.asking import failing, said

SpeakTo = Callable[..., None]
Told = list[ServiceCalled]


async def test_an_answer_with_a_wrong_checksum_is_none(clients: AwsClients, speak_to: SpeakTo) -> None:
    body = b'{"Attributes": {}}'

    def checked(crc: int) -> web.Response:
        return web.Response(body=body, headers={"x-amz-crc32": str(crc)})

    right, wrong = zlib.crc32(body), zlib.crc32(b"{}")
    async with serving(answers(checked(wrong), checked(right), checked(wrong))) as stub:
        speak_to(stub.url)
        assert await said(clients, UPDATE_ITEM, {}) == {"Attributes": {}}
        fault = await failing(clients)
    assert len(stub.seen) == 5
    assert "could not be read" in fault.cause
    assert fault.ambiguous


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"word"', b"{"])
async def test_an_answer_that_is_no_object_is_no_answer(clients: AwsClients, speak_to: SpeakTo, body: bytes) -> None:
    async with serving(answers(web.Response(body=body))) as stub:
        speak_to(stub.url)
        fault = await failing(clients)
    assert (len(stub.seen), fault.ambiguous) == (3, True)


async def test_an_empty_answer_says_nothing_and_a_null_is_nothing(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(web.Response(body=b""), web.Response(body=b'{"Messages": null}'))) as stub:
        speak_to(stub.url)
        assert await said(clients, DELETE_BATCH, {}) == {}
        assert await said(clients, RECEIVE, {}) == {}


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_beyond_all_measure_is_not_read(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    monkeypatch.setattr(pooled_transport, "MAX_RESPONSE_BYTES", 200_000)

    async def judge(_: Seen) -> web.StreamResponse:
        response = web.Response(body=b'{"Item": "' + b"x" * int(size) + b'"}')
        if chunked:
            response.enable_chunked_encoding()
        return response

    async with serving(judge) as stub:
        speak_to(stub.url)
        size = 199_000
        assert len((await clients.call(GET_ITEM, {}, "something"))["Item"]) == size
        size = 300_000
        with pytest.raises(Unavailable, match="broke"):
            await clients.call(GET_ITEM, {}, "something")


async def test_a_request_of_many_megabytes_is_sent_whole(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        await clients.call(UPDATE_ITEM, {"Text": "x" * 3_000_000}, "something")
    assert stub.seen[0].headers["Content-Length"] == str(len(stub.seen[0].body)) == "3000011"


async def test_codes_are_those_of_the_older_protocol_where_sqs_gives_them(
    clients: AwsClients, speak_to: SpeakTo
) -> None:
    missing = error(400, "QueueDoesNotExist")
    missing.headers["x-amzn-query-error"] = "AWS.SimpleQueueService.NonExistentQueue;Sender"
    async with serving(answers(missing)) as stub:
        speak_to(stub.url)
        with pytest.raises(AwsFault, match="no something") as caught:
            await clients.call(GET_QUEUE_URL, {}, "something")
    assert caught.value.code == "AWS.SimpleQueueService.NonExistentQueue"
    assert caught.value.code in NO_QUEUE
    assert stub.seen[0].headers["X-Amzn-Query-Mode"] == "true"


async def test_a_refusal_that_its_caller_asked_to_see_brings_the_whole_answer(
    clients: AwsClients, speak_to: SpeakTo, calls: Told
) -> None:
    refusal = web.Response(
        status=400,
        body=orjson.dumps({"__type": "a#ConditionalCheckFailedException", "Message": "no", "Item": {"pk": {"S": "1"}}}),
        headers={"x-amzn-requestid": "R1"},
    )
    async with serving(answers(refusal)) as stub:
        speak_to(stub.url)
        with pytest.raises(Declined) as caught:
            await clients.call(UPDATE_ITEM, {}, "something")
    declined = caught.value
    assert (declined.code, declined.message) == ("ConditionalCheckFailedException", "no")
    assert declined.answer["Item"] == {"pk": {"S": "1"}}
    assert declined.answer["ResponseMetadata"]["RequestId"] == "R1"
    assert [told.result for told in calls] == ["ConditionalCheckFailedException"]


async def test_a_batch_is_told_with_the_units_of_all_its_tables(
    clients: AwsClients, speak_to: SpeakTo, calls: Told
) -> None:
    consumed = [{"TableName": "a", "CapacityUnits": 2.0}, {"TableName": "b", "CapacityUnits": 3.5}]
    async with serving(answers(ok(ConsumedCapacity=consumed))) as stub:
        speak_to(stub.url)
        await clients.call(EXECUTE_BATCH, {}, "something")
    assert [(told.operation, told.write_units) for told in calls] == [("BatchExecuteStatement", 5.5)]


async def test_a_fault_of_the_service_is_told_with_the_number_that_its_support_asks_for(
    clients: AwsClients, speak_to: SpeakTo
) -> None:
    failed = error(500, "InternalServerError")
    failed.headers["x-amzn-requestid"] = "4c14557e"
    async with serving(answers(failed)) as stub:
        speak_to(stub.url)
        fault = await failing(clients)
    assert "4c14557e" in fault.remedy
    assert "4c14557e" not in fault.cause, "log lines with one cause are held back"


async def test_a_redirect_is_not_followed_with_our_signature(clients: AwsClients, speak_to: SpeakTo) -> None:
    elsewhere = web.Response(status=307, headers={"Location": "/elsewhere"})
    async with serving(answers(elsewhere)) as stub:
        speak_to(stub.url)
        assert "another region" in (await failing(clients)).cause
    assert len(stub.seen) == 1
