"""What can go wrong with a call that the SDK does not carry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

import orjson
import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from cqworker.aws.clients import AwsClients
from cqworker.aws.http import retry_policy
from cqworker.aws.operations import GET_ITEM, SEND, UPDATE_ITEM
from tests.aws.stub import Answering, Seen, answers, error, ok, serving
from tests.aws_http.asking import failing, said

SpeakTo = Callable[..., None]


async def test_a_wrong_signature_is_told_and_not_tried_again(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(error(403, "InvalidSignatureException"))) as stub:
        speak_to(stub.url)
        fault = await failing(clients)
    assert "does not accept the signature" in fault.cause
    assert (len(stub.seen), fault.ambiguous) == (1, False)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken"])
async def test_an_expired_token_is_replaced_and_the_call_goes_on(
    clients: AwsClients, speak_to: SpeakTo, code: str
) -> None:
    async def judge(seen: Seen) -> web.StreamResponse:
        speak_to(stub.url, AWS_ACCESS_KEY_ID="AKIAFRESH")
        return ok(MessageId="1") if seen.access_key == "AKIAFRESH" else error(400, code)

    async with serving(judge) as stub:
        speak_to(stub.url)
        assert await said(clients, SEND, {}) == {"MessageId": "1"}
    assert [seen.access_key for seen in stub.seen] == ["AKIATEST", "AKIAFRESH"]


async def test_a_token_that_nobody_replaced_is_not_tried_again(clients: AwsClients, speak_to: SpeakTo) -> None:
    async with serving(answers(error(400, "ExpiredTokenException"))) as stub:
        speak_to(stub.url)
        assert "expired" in (await failing(clients)).cause
    assert len(stub.seen) == 1


REFUSALS_FOR_THE_TIME = [
    error(403, "RequestTimeTooSkewed"),
    error(403, "RequestExpired"),
    error(400, "InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than"),
    error(403, "SignatureDoesNotMatch"),
]


def judging_by_its_own_clock(ahead: int, refusal: web.Response) -> Answering:
    """A service whose clock is so many seconds ahead of ours."""

    async def judge(seen: Seen) -> web.StreamResponse:
        there = time.time() + ahead
        stamp = time.strptime(seen.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
        if abs(time.mktime(stamp) - time.timezone - there) < 60:
            return ok(Item={})
        return web.Response(status=refusal.status, body=refusal.body, headers={"Date": formatdate(there, usegmt=True)})

    return judge


@pytest.mark.parametrize("refusal", REFUSALS_FOR_THE_TIME)
@pytest.mark.parametrize("ahead", [-86_400, 900])
async def test_a_clock_that_is_wrong_is_corrected_from_the_answers_date(
    clients: AwsClients, speak_to: SpeakTo, refusal: web.Response, ahead: int
) -> None:
    async with serving(judging_by_its_own_clock(ahead, refusal)) as stub:
        speak_to(stub.url)
        for _ in range(2):
            assert await said(clients, GET_ITEM, {}) == {"Item": {}}
    assert len(stub.seen) == 3, "the correction is kept"


@pytest.mark.parametrize("ahead", [-86_400, 900])
async def test_a_clock_that_is_wrong_fails_none_of_the_calls_that_were_signed_by_it(
    clients: AwsClients, speak_to: SpeakTo, ahead: int
) -> None:
    judge, together = judging_by_its_own_clock(ahead, error(403, "RequestTimeTooSkewed")), asyncio.Barrier(10)

    async def judge_together(seen: Seen) -> web.StreamResponse | None:
        if len(stub.seen) <= 10:
            await together.wait()
        return await judge(seen)

    async with serving(judge_together) as stub:
        speak_to(stub.url)
        assert await asyncio.gather(*(said(clients, GET_ITEM, {}) for _ in range(10))) == [{"Item": {}}] * 10
    assert len(stub.seen) == 20


async def test_a_time_that_stays_refused_is_told(clients: AwsClients, speak_to: SpeakTo) -> None:
    dated = {"Date": formatdate(0, usegmt=True)}

    async def judge(_: Seen) -> web.StreamResponse:
        return web.Response(status=403, body=orjson.dumps({"__type": "RequestTimeTooSkewed"}), headers=dated)

    async with serving(judge) as stub:
        speak_to(stub.url)
        assert "clock is wrong" in (await failing(clients)).cause
    assert len(stub.seen) == 2


async def test_a_date_that_is_none_corrects_nothing(clients: AwsClients, speak_to: SpeakTo) -> None:
    async def judge(_: Seen) -> web.StreamResponse:
        body = orjson.dumps({"__type": "RequestTimeTooSkewed"})
        return web.Response(status=403, body=body, headers={"Date": "the other day"})

    async with serving(judge) as stub:
        speak_to(stub.url)
        assert "clock is wrong" in (await failing(clients)).cause
    assert len(stub.seen) == 1


async def test_a_throttled_call_is_tried_again(clients: AwsClients, speak_to: SpeakTo) -> None:
    throttled = error(400, "ProvisionedThroughputExceededException")
    async with serving(answers(throttled, error(400, "ThrottlingException"), ok(Attributes={}))) as stub:
        speak_to(stub.url)
        assert await said(clients, UPDATE_ITEM, {}) == {"Attributes": {}}


def test_a_throttle_is_given_more_time_than_a_fault_and_each_pause_may_be_twice_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("random.random", lambda: 1.0)
    for code, pauses in (("ThrottlingException", [1.0, 2.0, None]), ("InternalServerError", [0.05, 0.1, None])):
        tries = retry_policy.CallTries(retry_policy.RetryBudget())
        fault = ClientError({"Error": {"Code": code}}, "UpdateItem")
        assert [tries.pause(fault) for _ in range(3)] == pauses


async def test_a_service_that_fails_at_everything_is_soon_asked_once_a_call(
    clients: AwsClients, speak_to: SpeakTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "BUDGET", 3 * retry_policy.RETRY_COST)
    async with serving(answers(error(500, "InternalServerError"))) as stub:
        speak_to(stub.url)
        counts = []
        for _ in range(3):
            before = len(stub.seen)
            await failing(clients)
            counts.append(len(stub.seen) - before)
    assert counts == [3, 2, 1]


def test_what_a_retry_took_out_of_the_budget_comes_back_with_the_answer() -> None:
    budget = retry_policy.RetryBudget()
    assert budget.spend(retry_policy.BUDGET)
    assert not budget.spend(1)
    budget.earn(retry_policy.RETRY_COST)
    tries = retry_policy.CallTries(budget)
    assert tries.pause(TimeoutError()) is not None
    assert not budget.spend(1)
    tries.succeed()
    assert budget.spend(retry_policy.RETRY_COST)
    budget.earn(10 * retry_policy.BUDGET)
    assert not budget.spend(retry_policy.BUDGET + 1)
