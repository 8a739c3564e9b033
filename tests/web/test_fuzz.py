"""Whatever arrives, the answer is 2xx or 4xx and, where it is an error, a problem."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cqworker.events import RequestFailed
from tests.web.house import House, open_house
from tests.web.raw import RawAnswer, exchange


class Api:
    """A house that lives as long as the module, on a loop that Hypothesis's plain functions can use."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._context = open_house()
        self.house: House = runner.run(self._context.__aenter__())

    def ask(self, data: bytes) -> RawAnswer:
        return self._runner.run(exchange(self.house.port, data))

    def close(self) -> None:
        self._runner.run(self._context.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with asyncio.Runner() as runner:
        opened = Api(runner)
        yield opened
        opened.close()


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
ANY_JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
FIELDS = [
    "type",
    "job_type",
    "payload",
    "params",
    "queue",
    "metadata",
    "tags",
    "max_attempts",
    "delay_seconds",
    "run_at",
    "x",
]
ALMOST = st.fixed_dictionaries(
    {"type": st.just("text.transform") | ANY_JSON, "payload": st.fixed_dictionaries({"text": LEAVES}) | ANY_JSON},
    optional=dict.fromkeys(FIELDS[4:], ANY_JSON),
)


def is_decent(answer: RawAnswer, api: Api) -> bool:
    failures = [event for event in api.house.events if isinstance(event, RequestFailed)]
    assert not failures, failures[0].traceback
    if answer.status >= 400:
        assert answer.problem["detail"]
    return 200 <= answer.status < 300 or 400 <= answer.status < 500


def posted(path: str, body: bytes, *headers: bytes) -> bytes:
    head = [f"POST {path} HTTP/1.1".encode(), b"Host: localhost", f"Content-Length: {len(body)}".encode(), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def spelt(value: Any) -> bytes:
    """JSON as a careless client writes it, NaN and lone surrogates included."""
    import json

    return json.dumps(value).encode()


@QUICK
@given(st.binary(max_size=200) | ANY_JSON.map(spelt) | ALMOST.map(spelt))
def test_any_body_of_a_submission(api: Api, body: bytes) -> None:
    assert is_decent(api.ask(posted("/jobs", body)), api)


@QUICK
@given(ANY_JSON.map(spelt) | st.binary(max_size=50))
def test_any_body_of_a_retry(api: Api, body: bytes) -> None:
    assert is_decent(api.ask(posted("/jobs/x/retry", body)), api)


@QUICK
@given(
    st.text(max_size=80) | st.sampled_from(["%", "%zz", "%ed%a0%80", "..", "%2e%2e", "a%2fb", "\0"]),
    st.text(max_size=9),
)
def test_any_id_and_any_wait(api: Api, job_id: str, wait: str) -> None:
    path = f"/jobs/{quote(job_id, safe='%')}?wait={quote(wait)}"
    assert is_decent(api.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()), api)


HEADER_BYTES = st.binary(max_size=60).map(lambda value: value.translate(None, b"\r\n\0"))


@QUICK
@given(
    st.sampled_from(
        [b"Idempotency-Key", b"traceparent", b"Content-Type", b"Authorization", b"Host", b"Origin", b"Accept"]
    ),
    HEADER_BYTES,
)
def test_any_value_of_a_header(api: Api, name: bytes, value: bytes) -> None:
    body = orjson.dumps({"type": "text.transform", "payload": {"text": "x"}})
    assert is_decent(api.ask(posted("/jobs", body, name + b": " + value)), api)


@QUICK
@given(st.binary(min_size=1, max_size=100))
def test_any_bytes_instead_of_a_request(api: Api, data: bytes) -> None:
    head = data.replace(b"\r", b"").replace(b"\n", b"") + b"\r\nHost: localhost\r\n\r\n"
    assert is_decent(api.ask(head), api)
