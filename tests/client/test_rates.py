"""A client that submits more often than it may waits as long as it is told, and says so where that is too long."""

from __future__ import annotations

import asyncio
import json

import pytest

from cqworker.client import Client, JobView, NewJob, RateLimited
from cqworker.settings.rate_limits import RatesSettings
from tests.client.scripted import answer, job, scripted
from tests.client.shop import TEXT, TYPE, open_shop


def limited(seconds: float) -> bytes:
    return json.dumps(
        {
            "type": "urn:cqworker:problem:rate-limited",
            "title": "More is submitted than the rate allows",
            "status": 429,
            "detail": "The token may submit 5 jobs a second.",
            "retry_after": seconds,
        }
    ).encode()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a client wanted to wait."""
    seconds: list[float] = []

    async def sleep(wait: float) -> None:
        seconds.append(wait)
        await pause(0)

    pause = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return seconds


async def test_a_refusal_by_rate_is_waited_out_however_often_it_comes(slept: list[float]) -> None:
    acts = [answer("429 Too Many Requests", limited(2))] * 6
    async with scripted(*acts, job()) as serving, Client.http(serving.url) as client:
        assert (await client.submit("t", {})).job_id == "j1"
        assert len(serving.heard) == 7
    assert all(2 <= wait <= 2.5 for wait in slept)
    assert len(slept) == 6


async def test_what_would_have_to_wait_for_too_long_is_told_with_its_time(slept: list[float]) -> None:
    refusals = answer("429 Too Many Requests", limited(60)), answer("429 Too Many Requests", limited(600))
    async with scripted(*refusals) as serving, Client.http(serving.url) as client:
        with pytest.raises(RateLimited, match="may submit 5 jobs a second") as told:
            await client.submit("t", {})
        with pytest.raises(RateLimited):
            await client.upload(b"x" * 10)
    assert (told.value.retry_after, slept) == (60, [])


async def test_many_jobs_are_sent_in_portions_that_the_burst_has_room_for() -> None:
    async with open_shop("over HTTP", rates=RatesSettings(token_rate=1000, token_burst=20)) as shop:
        answers = await shop.client.submit_many(NewJob(TYPE, TEXT) for _ in range(90))
        assert len([one for one in answers if isinstance(one, JobView)]) == 90
        assert len(shop.house.queue.bodies) == 90
