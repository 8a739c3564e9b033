"""Why nobody answered is told apart, each with its remedy; what is safe to ask again is asked again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cqworker.client import (
    Client,
    DaemonRefused,
    DaemonUnreachable,
    NewJob,
    NotAllowedNow,
    ProxyRefused,
    request_retry,
    wait_for_end,
)
from cqworker.client import http_transport as over_http
from cqworker.model.status import Status
from tests.aws_http.certificates import authority_and_server
from tests.client.scripted import Act, answer, babble, hang_up, job, keep_silent, problem, reset, scripted
from tests.patience import scaled

Ask = Callable[[Client], Awaitable[object]]
CALLS: dict[str, Ask] = {
    "get": lambda client: client.get("j1"),
    "download": lambda client: client.download("j1"),
    "cancel": lambda client: client.cancel("j1"),
    "retry of a round": lambda client: client.retry("j1", 1),
    "retry": lambda client: client.retry("j1"),
    "submit with a key": lambda client: client.submit("t", {}, key="order-42"),
    "submit": lambda client: client.submit("t", {}),
    "submit many with keys": lambda client: client.submit_many([NewJob("t", {}, key="a"), NewJob("t", {}, key="b")]),
    "submit many": lambda client: client.submit_many([NewJob("t", {"idempotency_key": "x"}), NewJob("t", {}, key="b")]),
    "upload": lambda client: client.upload(b"x"),
}
HARMLESS = {"get", "download", "cancel", "retry of a round", "submit with a key", "submit many with keys"}
GATEWAY = answer("502 Bad Gateway", b"<html>no upstream</html>")


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_retry, "PAUSES", (0.01, 0.01, 0.01))
    soon = round(scaled(0.3), 1)  # within which those have to answer who are not silent
    monkeypatch.setattr(over_http, "ANSWER_TIMEOUT", soon)
    monkeypatch.setattr(over_http, "LONG_ANSWER_TIMEOUT", soon)


async def told(url: str, ask: Ask = CALLS["get"]) -> DaemonUnreachable:
    async with Client.http(url) as client:
        with pytest.raises(DaemonUnreachable) as caught:
            await ask(client)
    return caught.value


def nobodys_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_where_nobody_listens_a_daemon_has_to_be_started() -> None:
    error = await told(f"http://127.0.0.1:{nobodys_port()}")
    assert (error.reason, error.ambiguous) == ("refused", False)
    assert "Connection refused. Start one with `cqworker run`" in str(error)


async def test_a_name_that_does_not_resolve_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    error = await told("http://nobody.invalid:8080")
    assert (error.reason, error.ambiguous) == ("name", False)
    assert "the name nobody.invalid does not resolve (Name or service not known)" in str(error)
    assert "Start one" not in str(error)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1:8080", "http://127.0.0.1:99999"])
async def test_what_is_no_url_is_told_as_such(url: str) -> None:
    error = await told(url)
    assert (error.reason, error.ambiguous) == ("url", False)
    assert "Write it like http://127.0.0.1:8080" in str(error)


async def test_a_daemon_that_is_slow_is_not_told_to_be_started() -> None:
    async with scripted(keep_silent) as server:
        error = await told(server.url)
    assert (error.reason, error.ambiguous) == ("timeout", True)
    assert f"did not answer within {over_http.ANSWER_TIMEOUT:g} s. It is there, and slow." in str(error)
    assert "Start one" not in str(error)


async def test_a_connection_that_never_comes_about_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "CONNECT_TIMEOUT", 0.05)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    with socket.socket() as full:  # takes nobody in: the kernel's queue is full, and SYNs go unanswered
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        callers = [socket.socket() for _ in range(8)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        error = await told(f"http://127.0.0.1:{full.getsockname()[1]}")
        for caller in callers:
            caller.close()
    assert (error.reason, error.ambiguous) == ("connect", False)
    assert "firewall" in str(error)
    assert "HTTP_PROXY is set, and this client does not use it" in str(error)


@pytest.mark.parametrize("act", [reset, hang_up])
async def test_a_connection_that_breaks_is_told_as_such(act: Act) -> None:
    async with scripted(act) as server:
        error = await told(server.url)
    assert (error.reason, error.ambiguous) == ("broken", True)
    assert "broke before the answer" in str(error)
    assert "Start one" not in str(error)


async def test_a_certificate_that_nobody_trusts_is_told_as_such(tmp_path: Path) -> None:
    _, context = authority_and_server(tmp_path)
    async with scripted(job(), context=context) as server:
        error = await told(server.url)
    assert (error.reason, error.ambiguous) == ("tls", False)
    assert "is not trusted: unable to get local issuer certificate" in str(error)
    assert "SSL_CERT_FILE" in str(error)


async def test_a_daemon_without_tls_is_told_as_such() -> None:
    async with scripted(answer("400 Bad Request", b"")) as server:
        error = await told(server.url.replace("http:", "https:"))
    assert (error.reason, error.ambiguous) == ("tls", False)
    assert "Where it is served without TLS, write http://" in str(error)


async def test_who_speaks_no_http_is_told_as_such() -> None:
    async with scripted(babble) as server:
        error = await told(server.url)
    assert error.reason == "protocol"
    assert "does not speak HTTP" in str(error)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"])
async def test_a_proxy_that_does_not_reach_the_daemon_is_told_as_such(status: str) -> None:
    async with scripted(answer(status, b"<html>")) as server:
        error = await told(server.url)
    assert isinstance(error, ProxyRefused | DaemonRefused)
    assert (error.reason, error.ambiguous) == ("proxy", True)
    assert f"answered {status[:3]}" in str(error)
    assert "load balancer" in str(error)


async def test_a_proxy_that_wants_a_password_is_told_as_such() -> None:
    async with scripted(answer("407 Proxy Authentication Required", b"")) as server:
        error = await told(server.url)
    assert (error.reason, error.ambiguous) == ("proxy", False)
    assert "wants to know who asks" in str(error)


@pytest.mark.parametrize("act", [reset, hang_up, keep_silent, GATEWAY])
@pytest.mark.parametrize("name", CALLS)
async def test_what_may_have_arrived_is_asked_again_only_where_twice_does_no_harm(name: str, act: Act) -> None:
    batch = answer("200 OK", b'{"jobs": [{"problem": {"title": "No"}}, {"problem": {"title": "No"}}]}')
    async with scripted(act, batch if "many" in name else job()) as server, Client.http(server.url) as client:
        if name in HARMLESS:
            await CALLS[name](client)
        else:
            with pytest.raises(DaemonUnreachable) as caught:
                await CALLS[name](client)
            assert caught.value.ambiguous
            assert "may have been done all the same" in str(caught.value)
    assert len(server.heard) == (2 if name in HARMLESS else 1)


@pytest.mark.parametrize("name", CALLS)
async def test_what_never_left_is_asked_again_whatever_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def refuse(*_: object, **__: object) -> Any:
        nonlocal asked
        asked += 1
        raise DaemonUnreachable("Nobody.", ambiguous=False, reason="refused")

    monkeypatch.setattr(over_http.HttpTransport, "_request", refuse)
    assert not (await told("http://127.0.0.1:1", CALLS[name])).ambiguous
    assert asked == 4


async def test_one_try_that_may_have_arrived_makes_the_whole_call_ambiguous() -> None:
    async with scripted(keep_silent, answer("407 Proxy Authentication Required", b"")) as server:
        error = await told(server.url, CALLS["submit with a key"])
    assert (error.reason, error.ambiguous) == ("proxy", True)


async def test_a_call_is_not_asked_again_beyond_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "RETRY_DEADLINE", 0.2)
    async with scripted(keep_silent) as server:
        assert (await told(server.url)).reason == "timeout"
    assert len(server.heard) == 1


async def test_a_cancel_whose_answer_was_lost_is_not_refused_for_having_worked() -> None:
    refused = problem(409, "not-allowed-now")
    async with scripted(reset, refused, job("CANCELLED")) as server, Client.http(server.url) as client:
        assert (await client.cancel("j1")).status is Status.CANCELLED
    assert server.heard == ["POST /jobs/j1/cancel", "POST /jobs/j1/cancel", "GET /jobs/j1"]


@pytest.mark.parametrize(
    "acts", [(problem(409, "not-allowed-now"),), (reset, problem(409, "not-allowed-now"), job("FAILED"))]
)
async def test_a_cancel_of_what_ended_otherwise_is_refused(acts: tuple[Act, ...]) -> None:
    async with scripted(*acts) as server, Client.http(server.url) as client:
        with pytest.raises(NotAllowedNow):
            await client.cancel("j1")


async def test_a_wait_outlives_a_load_balancer_without_a_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_for_end, "MIN_PAUSE", 0.05)
    async with scripted(GATEWAY, job("SUCCEEDED")) as server, Client.http(server.url) as client:
        async with asyncio.timeout(scaled(5)):
            assert (await client.wait("j1")).status is Status.SUCCEEDED


async def test_who_is_sent_elsewhere_is_told_where() -> None:
    moved = answer("301 Moved Permanently", b"", "Location: https://jobs.acme.example/jobs/j1")
    async with scripted(moved) as server, Client.http(server.url) as client:
        with pytest.raises(
            DaemonRefused, match=r"points to https://jobs\.acme\.example/jobs/j1: write the daemon's own URL"
        ):
            await client.get("j1")
