"""What people write who come from another job system, or without a type checker, is answered with what is right."""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import create_autospec

import pytest

from cqworker.client import Client, InvalidPayload, NewJob, SubmissionRefused
from cqworker.suggestions.submission_terms import SUBMIT
from tests.client.shop import TEXT, TYPE, Shop


class Kept:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}

    async def submit(self, body: bytes, key: str | None) -> dict[str, Any]:
        self.body = json.loads(body)
        raise LookupError(key)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def client(kept: Kept) -> AsyncIterator[Client]:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        yield kept

    async with Client(opening) as client:
        yield client


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"countdown": 5}, "delay= is seconds from now, or a timedelta"),
        ({"eta": datetime.now(UTC)}, "run_at= is a datetime with a time zone"),
        ({"_defer_by": 5}, "delay="),
        ({"args": (1, 2)}, "the payload is one object"),
        ({"kwargs": {"a": 1}}, "the payload is one object"),
        ({"task_id": "x"}, "key="),
        ({"idempotency_key": "x"}, "key="),
        ({"queue_name": "x"}, "queue="),
        ({"prio": 9}, "priority="),
        ({"max_retries": 9}, "3 retries are max_attempts=4"),
        ({"retries": 9}, "max_attempts="),
        ({"time_limit": 9}, "@handler(timeout=…)"),
        ({"link": None}, "wait for it"),
        ({"headers": {}}, "metadata="),
        ({"tag": "x"}, "tags="),
        ({"kye": "x"}, "did you mean key?"),
        (
            {"zzz": 1},
            (
                "key, queue, delay, run_at, metadata, tags, max_attempts, priority, limit_key, unique, on_duplicate, "
                "debounce, max_wait."
            ),
        ),
    ],
)
async def test_an_option_of_another_system_is_answered_with_the_word_for_it(
    client: Client, options: dict[str, Any], meant: str
) -> None:
    for call in (lambda: client.submit("t", {}, **options), lambda: asyncio.to_thread(NewJob, "t", {}, **options)):
        with pytest.raises(TypeError) as caught:
            await call()
        assert f"has no {next(iter(options))}: " in str(caught.value)
        assert meant in str(caught.value)


@pytest.mark.parametrize(
    ("args", "options"),
    [(("t", 1, 2), {}), (("t",), {"name": "Ada"}), (("t",), {"payload": {}}), ((), {"job_type": "t"})],
)
async def test_a_payload_in_pieces_is_told_to_be_one_object(
    client: Client, args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match=r'Write it like submit\("acme\.greet", \{"name": "Ada"\}'):
        await client.submit(*args, **options)


def test_no_word_of_others_hides_an_option_of_ours() -> None:
    assert not SUBMIT.others.keys() & (inspect.signature(Client.submit).parameters.keys() - {"payload", "job_type"})


@pytest.mark.parametrize(
    ("job", "meant"),
    [
        (NewJob("t", {}, delay=datetime.now(UTC)), "not a datetime: that is run_at="),  # type: ignore[arg-type]
        (NewJob("t", {}, delay="5"), "delay takes seconds from now or a timedelta, not a str"),  # type: ignore[arg-type]
        (NewJob("t", {}, tags="urgent"), 'tags takes a list of texts, such as ["urgent"]'),
        (NewJob("t", {}, metadata="urgent"), "metadata takes texts by name"),  # type: ignore[arg-type]
        (NewJob("t", {}, key=uuid.UUID(int=7)), 'write key="00000000-0000'),  # type: ignore[arg-type]
        (NewJob(print, {}), "the name of its handler's entry point"),  # type: ignore[arg-type]
        (NewJob("t", {1, 2}), "set is no JSON; give plain data"),
        (("t", {}), 'A tuple is no job: write NewJob("acme.greet"'),
        ({"type": "t"}, "A dict is no job: write NewJob("),
    ],
)
async def test_a_job_that_cannot_be_is_told_before_anything_is_sent(client: Client, job: Any, meant: str) -> None:
    [answer] = await client.submit_many([job])
    assert isinstance(answer, SubmissionRefused)
    assert meant in str(answer)


@pytest.mark.parametrize(
    ("delay", "seconds"), [(timedelta(minutes=1), 60), (timedelta(seconds=1.2), 2), (7, 7), (timedelta(0), None)]
)
async def test_a_delay_may_be_a_span_of_time(client: Client, kept: Kept, delay: Any, seconds: int | None) -> None:
    with pytest.raises(LookupError):
        await client.submit("t", {}, delay=delay)
    assert kept.body.get("delay_seconds") == seconds


async def test_a_wait_may_be_a_span_of_time(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    with pytest.raises(TimeoutError, match=r"after 0\.05 s of waiting"):
        await shop.client.wait(job.job_id, timedelta(seconds=0.05))


@pytest.mark.parametrize("wrong", ["view", 7, uuid.UUID(int=7), None])
async def test_what_is_no_id_of_a_job_is_told_as_such(shop: Shop, wrong: Any) -> None:
    given = await shop.client.submit(TYPE, TEXT) if wrong == "view" else wrong
    asks: list[Any] = [shop.client.get, shop.client.wait, shop.client.cancel, shop.client.retry, shop.client.download]
    for ask in asks:
        with pytest.raises(TypeError, match="write job.job_id" if wrong == "view" else "A job's id is a text"):
            await ask(given)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("enqueue", "await client.submit"),
        ("apply_async", "await client.submit"),
        ("send_task", "await client.submit"),
        ("delay", "await client.submit"),
        ("enqueue_in", "with delay="),
        ("AsyncResult", "await client.get"),
        ("revoke", "await client.cancel"),
        ("requeue", "await client.retry"),
    ],
)
def test_what_a_client_is_asked_for_elsewhere_is_named(name: str, meant: str) -> None:
    client = Client.http("http://127.0.0.1:1")
    assert not hasattr(client, name)
    with pytest.raises(AttributeError, match=f"The client has no {name}: it is `{meant}|{meant}"):
        getattr(client, name)


def test_how_a_client_is_made_is_told() -> None:
    with pytest.raises(TypeError, match=r"has no broker: it speaks to a daemon.*Write it like Client\.http\("):
        Client.http(broker="redis://")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has no port: the URL says both"):
        Client.http("127.0.0.1", port=8080)  # type: ignore[call-arg]


async def test_a_mock_of_a_client_is_awaited_like_the_client() -> None:
    mock = create_autospec(Client, instance=True)
    mock.submit.return_value = 7
    assert await mock.submit("t", {}) == 7


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        (lambda client: client.result("x", seconds=3), "it is timeout=, in seconds"),
        (lambda client: client.wait("x", poll_interval=3), "the answer comes as soon as the job ends"),
        (lambda client: client.get("x", timeout=3), "wait(job_id, timeout=60) waits"),
        (lambda client: client.get(), "missing a required argument: 'job_id'. Write it like get(job_id)."),
        (lambda client: client.retry("x", countdown=3), "a retry starts at once"),
        (lambda client: client.cancel("x", terminate=True), "told to stop, always"),
        (lambda client: client.upload(b"x", filename="a.png"), "an upload has no name"),
        (lambda client: client.upload("text"), "upload() takes bytes, not str"),
        (lambda client: client.download("x", path="y"), "it returns the bytes"),
        (lambda client: client.submit_many(NewJob("t", {})), "takes a list of NewJobs, not one NewJob"),
        (lambda client: client.submit_many({"type": "t"}), "takes a list of NewJobs, not one dict"),
    ],
)
async def test_every_call_says_how_it_is_written(client: Client, wrong: Any, meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        await wrong(client)
    assert meant in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "meant"),
    [
        ('{"text": "hello"}', "give the object itself, not its text"),
        ("hello", "give the object itself, not its text"),
        (["hello"], "a list of arguments has no names; give one object"),
    ],
)
async def test_a_payload_that_is_no_object_is_told_what_it_should_be(shop: Shop, payload: object, meant: str) -> None:
    with pytest.raises(InvalidPayload, match=f"/: Input should be .*: {meant}"):
        await shop.client.submit(TYPE, payload)
