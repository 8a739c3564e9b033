"""The clients' life: late made, apart from one another, renewed when their credentials went stale, closed."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.credentials import credentials_cache
from cqworker.aws.operations import DELETE_BATCH, GET_ITEM, PUT_OBJECT, RECEIVE, SEND
from cqworker.aws.sdk import sdk_clients
from cqworker.errors import Unavailable
from cqworker.events import ignore
from tests.aws.stub import Seen, answers, error, ok, serving

SpeakTo = Callable[..., None]


async def test_no_client_is_made_before_it_is_needed(speak_to: SpeakTo, lean: bool) -> None:
    speak_to("no endpoint at all")
    async with AwsClients(ignore, lean=lean):
        pass


async def test_a_useless_endpoint_is_told_and_a_corrected_one_used(clients: AwsClients, speak_to: SpeakTo) -> None:
    speak_to("no endpoint at all")
    with pytest.raises(Unavailable, match="Correct AWS_ENDPOINT_URL"):
        await clients.call(SEND, {}, "something")
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        await clients.call(SEND, {}, "something")


async def test_a_missing_region_is_told(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_to("http://127.0.0.1:1")
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(Unavailable, match="Set AWS_REGION"):
        await clients.call(SEND, {}, "something")


async def test_the_client_of_one_service_is_in_no_way_of_anothers(clients: AwsClients, speak_to: SpeakTo) -> None:
    stored = web.Response(headers={"ETag": '"1"'})
    async with serving(answers(ok(), ok(), ok(), stored)) as stub:
        speak_to(stub.url)
        for operation in (SEND, GET_ITEM, RECEIVE):
            await clients.call(operation, {}, "something")
        await clients.call(PUT_OBJECT, {"Bucket": "things", "Key": "key", "Body": b"x"}, "something")
    assert len(stub.seen) == 4


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
async def test_the_region_is_taken_from_either_variable(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        monkeypatch.delenv("AWS_REGION")
        monkeypatch.setenv(variable, "ap-south-1")
        await clients.call(SEND, {}, "something")
    assert "/ap-south-1/sqs/" in stub.seen[0].headers["Authorization"]


async def test_a_service_can_have_an_endpoint_of_its_own(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(ok())) as queues, serving(answers(ok())) as tables:
        speak_to("http://127.0.0.1:1", AWS_ENDPOINT_URL_SQS=queues.url, AWS_ENDPOINT_URL_DYNAMODB=tables.url)
        await clients.call(SEND, {}, "something")
        await clients.call(GET_ITEM, {}, "something")
    assert [seen.operation for seen in (*queues.seen, *tables.seen)] == ["SendMessage", "GetItem"]


async def test_missing_credentials_are_told_and_found_when_they_come(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_cache, "FIRST_BACKOFF_SECONDS", 0.0)
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(Unavailable, match="No AWS credentials were found"):
            await clients.call(SEND, {}, "something")
        speak_to(stub.url, AWS_ACCESS_KEY_ID="AKIALATE")
        await clients.call(SEND, {}, "something")
    assert [seen.access_key for seen in stub.seen] == ["AKIALATE"]


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"])
async def test_refused_credentials_are_read_afresh(clients: AwsClients, speak_to: SpeakTo, code: str) -> None:
    async def judge(seen: Seen) -> web.StreamResponse:
        speak_to(stub.url, AWS_ACCESS_KEY_ID="AKIAFRESH")
        return ok() if seen.access_key == "AKIAFRESH" else error(403, code)

    async with serving(judge) as stub:
        speak_to(stub.url)
        with suppress(Unavailable):
            await clients.call(SEND, {}, "something")
        await clients.call(SEND, {}, "something")
    first, *others = [seen.access_key for seen in stub.seen]
    assert (first, set(others)) == ("AKIATEST", {"AKIAFRESH"})


async def test_a_renewal_lets_calls_in_flight_come_to_their_end(clients: AwsClients, speak_to: SpeakTo) -> None:
    release = asyncio.Event()

    async def judge(seen: Seen) -> web.StreamResponse:
        if seen.operation == "ReceiveMessage":
            await release.wait()
            return ok(Messages=[])
        return error(403, "ExpiredToken")

    async with serving(judge) as stub:
        speak_to(stub.url)
        receive = asyncio.create_task(clients.call(RECEIVE, {}, "something"))
        await stub.arrived(1)
        with pytest.raises(Unavailable, match="expired"):
            await clients.call(SEND, {}, "something")
        release.set()
        assert "Messages" in await receive


async def test_credentials_that_stay_wrong_do_not_cost_a_walk_a_call(clients: AwsClients, speak_to: SpeakTo) -> None:
    names = iter(["SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH"])

    async def judge(_: Seen) -> web.StreamResponse:
        speak_to(stub.url, AWS_ACCESS_KEY_ID=next(names))
        return error(403, "ExpiredToken")

    async with serving(judge) as stub:
        speak_to(stub.url, AWS_ACCESS_KEY_ID="FIRST")
        for _ in range(4):
            with pytest.raises(Unavailable):
                await clients.call(SEND, {}, "something")
    assert {seen.access_key for seen in stub.seen} == {"FIRST", "SECOND"}


async def test_waiting_receives_do_not_keep_deletes_from_a_connection(speak_to: SpeakTo, lean: bool) -> None:
    release = asyncio.Event()

    async def judge(seen: Seen) -> web.StreamResponse:
        if seen.operation == "ReceiveMessage":
            await release.wait()
        return ok()

    async with serving(judge) as stub, AwsClients(ignore, pollers=2, lean=lean) as clients:
        speak_to(stub.url)
        receives = [asyncio.create_task(clients.call(RECEIVE, {}, "something")) for _ in range(8)]
        await stub.arrived(4)
        await clients.call(DELETE_BATCH, {}, "something")
        assert len(stub.seen) == 5, "the pool of receives has two connections more than pollers"
        release.set()
        await asyncio.gather(*receives)


async def test_the_hot_clients_say_who_they_are_in_one_fixed_word(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url)
        await clients.call(SEND, {}, "something")
    assert stub.seen[0].headers["User-Agent"].startswith("cqworker")


async def test_a_refused_signature_shows_no_secret_even_in_a_traceback(clients: AwsClients, speak_to: SpeakTo) -> None:
    canonical = "The Canonical String should have been 'x-amz-security-token:canary-token'"
    async with serving(answers(error(403, "SignatureDoesNotMatch", canonical))) as stub:
        speak_to(stub.url, AWS_SESSION_TOKEN="canary-token")
        with pytest.raises(Unavailable) as caught:
            await clients.call(SEND, {}, "something")
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("installed", [True, False])
async def test_aioboto3_is_used_where_it_is_installed_and_not_missed_where_it_is_not(
    speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    if not installed:
        monkeypatch.setattr(sdk_clients, "aioboto3", None)
    elif find_spec("aioboto3") is None:
        pytest.skip("aioboto3 is not installed")
    async with serving(answers(web.Response(headers={"ETag": '"1"'}))) as stub, AwsClients(ignore) as clients:
        speak_to(stub.url)
        await clients.call(PUT_OBJECT, {"Bucket": "some", "Key": "thing", "Body": b""}, "something")
        client = await clients._sdk.client("s3")
    assert hasattr(client, "upload_fileobj") is installed
