"""The resolver is gone for a while: what is connected goes on, what is not says so, and both ways find back alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from socket import gaierror
from typing import Any

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.operations import GET_ITEM, UPDATE_ITEM
from cqworker.errors import Unavailable
from tests.aws.stub import answers, ok, serving

SpeakTo = Callable[..., None]


@pytest.fixture
async def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Takes the resolver away, and gives it back."""
    loop = asyncio.get_running_loop()
    really, away = loop.getaddrinfo, [False]

    async def getaddrinfo(host: Any, *where: Any, **how: Any) -> Any:
        if away[0] and host == "localhost":
            raise gaierror(-3, "Temporary failure in name resolution")
        return await really(host, *where, **how)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    return lambda gone: away.__setitem__(0, gone)


async def test_calls_on_kept_connections_go_on_without_a_resolver(
    clients: AwsClients, speak_to: SpeakTo, resolver: Callable[[bool], None]
) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url.replace("127.0.0.1", "localhost"))
        await clients.call(UPDATE_ITEM, {}, "something")
        resolver(True)
        for _ in range(20):
            await clients.call(UPDATE_ITEM, {}, "something")
    assert len(stub.seen) == 21


async def test_without_a_resolver_a_first_call_says_what_cannot_be_reached_and_a_later_one_finds_it(
    clients: AwsClients, speak_to: SpeakTo, resolver: Callable[[bool], None]
) -> None:
    async with serving(answers(ok())) as stub:
        speak_to(stub.url.replace("127.0.0.1", "localhost"))
        resolver(True)
        for _ in range(3):
            with pytest.raises(Unavailable) as told:
                await clients.call(UPDATE_ITEM, {}, "something")
            assert "DynamoDB cannot be reached at http://localhost:" in told.value.cause
            assert not told.value.ambiguous
        resolver(False)
        await clients.call(GET_ITEM, {}, "something")
    assert len(stub.seen) == 1
