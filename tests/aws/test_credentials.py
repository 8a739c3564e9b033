"""The credentials chain as a service of its own: who waits for it, and how often it is asked."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from cqworker.aws.clients import AwsClients
from cqworker.aws.credentials import credentials_cache
from cqworker.aws.credentials.credentials_cache import CredentialsCache
from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import GET_ITEM, GET_OBJECT, SEND, UPDATE_ITEM
from tests.aws.homes import Home, fault_of, handing_out
from tests.aws.stub import Seen, answers, ok, serving
from tests.patience import scaled
from tests.stopwatch import Stopwatch


async def test_a_provider_that_keeps_silent_holds_no_call_for_ever(
    clients: AwsClients, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.helper("exec sleep 5")
    watch = Stopwatch()
    with pytest.raises(AwsFault, match=r"no answer came within 0\.2 s") as caught:
        await clients.call(UPDATE_ITEM, {}, 'table "jobs"', seconds=0.3)
    assert caught.value.service == "credentials"
    assert watch.seconds < 2


async def test_calls_that_begin_together_share_one_fetch(clients: AwsClients, home: Home) -> None:
    async with serving(answers(ok())) as stub:
        home.url = stub.url
        handing_out(home, "ASIA", 3600)
        await asyncio.gather(*(clients.call(operation, {}, "it") for operation in (SEND, GET_ITEM) * 10))
    assert home.asked == 1


async def test_a_provider_that_fails_is_not_asked_by_every_call(clients: AwsClients, home: Home) -> None:
    home.helper(f"printf . >> {home.place}/count; exit 1")
    faults = [await fault_of(clients) for _ in range(20)]
    assert home.asked == 1
    assert len({str(fault) for fault in faults}) == 1


async def test_keys_that_come_near_their_end_are_replaced_while_calls_go_on(
    clients: AwsClients, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_cache, "EXPIRY_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(credentials_cache, "FIRST_BACKOFF_SECONDS", 0.01)
    async with serving(answers(ok())) as stub:
        home.url = stub.url
        handing_out(home, "ASIAOLD", 300)
        await clients.call(SEND, {}, "it")
        handing_out(home, "ASIANEW", 3600)
        async with asyncio.timeout(scaled(10)):
            while stub.seen[-1].access_key != "ASIANEW":
                await clients.call(SEND, {}, "it")
                await asyncio.sleep(0.01)


async def test_a_provider_in_trouble_costs_no_call_while_its_last_keys_live(
    clients: AwsClients, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_cache, "EXPIRY_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(credentials_cache, "FIRST_BACKOFF_SECONDS", 0.01)
    async with serving(answers(ok())) as stub:
        home.url = stub.url
        handing_out(home, "ASIA", 300)
        await clients.call(SEND, {}, "it")
        home.helper(f"printf . >> {home.place}/count; exit 1")
        before = home.asked
        async with asyncio.timeout(scaled(10)):
            while home.asked < before + 3:
                await clients.call(SEND, {}, "it")
                await asyncio.sleep(0.01)


async def test_one_services_refusal_throws_no_keys_away(
    clients: AwsClients, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def judge(seen: Seen) -> web.StreamResponse:
        if seen.operation:
            return ok()
        home.helper(f"printf . >> {home.place}/count; exit 1")
        return web.Response(status=400, text="<Error><Code>InvalidToken</Code></Error>", content_type="application/xml")

    async with serving(judge) as stub:
        home.url = stub.url
        handing_out(home, "ASIA", 3600)
        for _ in range(5):
            with pytest.raises(AwsFault, match="access key") as caught:
                await clients.call(GET_OBJECT, {"Bucket": "some", "Key": "thing"}, 'bucket "some"')
            assert caught.value.service == "s3"
            await clients.call(SEND, {}, "it")
            await clients.call(UPDATE_ITEM, {}, "it")
    assert {seen.access_key for seen in stub.seen} == {"ASIA"}
    assert home.asked <= 1 + 2, "the chain is asked again for all, not for each"


class Failing:
    """A session whose one provider has nothing, and notes when it was asked."""

    METHOD = "iam-role"

    def __init__(self) -> None:
        self.providers = (self,)
        self.asked: list[float] = []

    def get_component(self, _: str) -> Failing:
        return self

    def get_provider(self, _: str) -> Failing:
        return self

    async def load(self) -> None:
        self.asked.append(time.monotonic())
        raise EOFError


async def test_pauses_between_vain_fetches_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    session: Any = Failing()
    made = CredentialsCache(lambda: session)
    while now[0] < 1100:
        with pytest.raises(CredentialsError, match="MFA code"):
            await made.get_frozen_credentials()
        now[0] += 0.5
    pauses = [later - earlier for earlier, later in pairwise(session.asked)]
    assert pauses == [1, 2, 4, 8, *[15] * 5]
