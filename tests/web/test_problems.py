"""Every error is a problem in the sense of RFC 9457, wherever it comes from."""

from __future__ import annotations

import pytest

from cqworker.events import RequestFailed
from cqworker.web.routes import ROUTES
from tests.web.house import House, open_house
from tests.web.raw import exchange

HOST = b"Host: localhost\r\n"
MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "a length that is no number": b"POST /jobs HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n",
    "two lengths": b"POST /jobs HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a length and chunks": b"POST /jobs HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X: \0\r\n\r\n",
    "200 headers": b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 200 + b"\r\n",
    "a broken chunk": b"POST /jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_http_is_answered_with_a_problem_and_logged_by_nobody(
    house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await exchange(house.port, MALFORMED[name])
    assert answer.problem["type"] == "urn:cqworker:problem:malformed-request"
    assert answer.status == 400
    assert caplog.records == []
    assert house.events == []


@pytest.mark.parametrize(
    "data",
    [b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n\r\n"],
)
async def test_a_head_that_is_too_long_is_431(house: House, data: bytes) -> None:
    answer = await exchange(house.port, data)
    assert (answer.status, answer.problem["type"]) == (431, "urn:cqworker:problem:headers-too-large")


async def test_an_unknown_expectation_is_417_on_every_address(house: House) -> None:
    for path in (b"/jobs", b"/nowhere"):
        data = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}"
        assert (await exchange(house.port, data)).problem["type"] == "urn:cqworker:problem:expectation-failed"


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET //evil.example/%2e%2e HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /jobs/%2e%2e/artifact HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /../jobs HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
async def test_strange_targets_and_methods_are_problems(house: House, data: bytes) -> None:
    assert (await exchange(house.port, data)).problem["status"] in (400, 404, 405)


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_an_upgrade_is_declined_by_answering_the_request(house: House, protocol: bytes) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    assert (await exchange(house.port, b"GET /healthz HTTP/1.1\r\n" + HOST + upgrade + b"\r\n")).status == 200


async def test_100_continue_is_met(house: House) -> None:
    data = b"POST /jobs HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    assert (await exchange(house.port, data)).status == 100


async def test_an_address_without_anything_is_404(house: House) -> None:
    for path in ("/nowhere", "/artifacts", "/jobs/", "/api/v2/jobs", "/api/v1/healthz", "/jobs/a/b", "/%00"):
        status, problem = await house.get(path)
        assert (status, problem["status"]) in ((404, 404), (405, 405)), path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/jobs", "GET, HEAD, POST"), ("DELETE", "/jobs/x", "GET, HEAD"), ("PUT", "/jobs/x/retry", "POST"),
     ("OPTIONS", "/jobs", "GET, HEAD, POST"), ("POST", "/healthz", "GET, HEAD"), ("GET", "/jobs/batch", "POST"),
     ("PUT", "/api/v1/jobs/batch", "POST"), ("PATCH", "/api/v1/", "GET, HEAD")],
)  # fmt: skip
async def test_another_method_is_405_and_says_which_are_allowed(
    house: House, method: str, path: str, allowed: str
) -> None:
    async with house.client.request(method, path) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert problem["type"] == "urn:cqworker:problem:method-not-allowed"


async def test_every_address_answers_the_methods_that_it_allows_and_no_others(house: House) -> None:
    paths = {row.path for row in ROUTES} | {f"/api/v1{row.path}" for row in ROUTES if not row.is_vital}
    for path in sorted(paths):
        rows = [row.method for row in ROUTES if row.path == path.removeprefix("/api/v1")]
        methods = {*rows, *(["HEAD"] if "GET" in rows else [])}
        at = path.replace("{job_id}", "x").replace("{artifact_id}", "0" * 32).replace("{name}", "n")
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            async with house.client.request(method, at) as answer:
                allowed = answer.headers.get("Allow")
                assert (answer.status == 405) is (method not in methods), (method, at)
                assert allowed == (", ".join(sorted(methods)) if answer.status == 405 else None), (method, at)


async def test_an_error_that_no_rule_foresaw_tells_the_client_an_incident_and_the_log_the_rest(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(house.store, "get", explode)
    async with house.client.get("/jobs/some") as answer:
        text = await answer.text()
        problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["type"]) == (500, "urn:cqworker:problem:internal")
    assert "hunter2" not in text
    assert "RuntimeError" not in text
    (event,) = house.events
    assert isinstance(event, RequestFailed)
    assert event.incident == problem["incident"]
    assert problem["incident"] in problem["detail"]
    assert (event.method, event.route, event.error) == ("GET", "/jobs/{job_id}", "RuntimeError: password=hunter2")
    assert "explode" in event.traceback


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "[::2]", "[", "", "0"])
async def test_another_host_name_is_421_on_loopback(house: House, host: str) -> None:
    answer = await exchange(house.port, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert (answer.status, answer.problem["type"]) == (421, "urn:cqworker:problem:misdirected")
    assert "localhost" in answer.problem["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8080", "[::1]:80"])
async def test_this_machines_names_are_answered_with_any_port(house: House, host: str) -> None:
    assert (await exchange(house.port, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())).status == 200


async def test_beyond_loopback_every_host_name_is_answered() -> None:
    async with open_house(api=False, host="0.0.0.0") as house:
        answer = await exchange(house.port, b"GET /healthz HTTP/1.1\r\nHost: worker.internal\r\n\r\n")
        assert answer.status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://["])
async def test_a_page_of_another_site_can_neither_submit_nor_read(house: House, origin: str) -> None:
    for call in (house.client.post("/jobs", data=b"{}", headers={"Origin": origin}),
                 house.client.get("/handlers", headers={"Origin": origin})):  # fmt: skip
        async with call as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_of_our_own_may_submit(house: House) -> None:
    own = f"http://127.0.0.1:{house.port}"
    status, _ = await house.post("/jobs", json={}, headers={"Origin": own})
    assert status == 422
