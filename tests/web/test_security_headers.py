"""What browsers are told, on every route and with every error."""

from __future__ import annotations

import pytest

from cqworker.web.problems import ProblemKind
from cqworker.web.route_definition import Route
from cqworker.web.routes import ROUTES
from tests.web.house import TEXT, House, open_house, token
from tests.web.raw import RawAnswer, exchange

EXPECTED = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "server": "cqworker",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def check(answer: RawAnswer) -> None:
    assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "set-cookie" not in answer.headers


async def ask(house: House, method: str, path: str, *headers: str, body: bytes = b"") -> RawAnswer:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return await exchange(house.port, ("\r\n".join(lines) + "\r\n\r\n").encode() + body)


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
async def test_every_call_says_it_when_it_is_met_and_when_it_is_not(house: House, row: Route) -> None:
    job = await house.submit()
    _, made = await house.post("/artifacts", data=b"x")
    path = (
        row.path.replace("{job_id}", job["job_id"]).replace("{artifact_id}", made["artifact_id"]).replace("{name}", "a")
    )
    for method in (row.method, "DELETE", "HEAD"):
        check(await ask(house, method, path))
    async with open_house(tokens=[token("t", "read")]) as guarded:
        check(await ask(guarded, row.method, path))


async def test_every_error_that_has_no_route_says_it(house: House) -> None:
    answers = [
        await ask(house, "GET", "/nowhere"),
        await ask(house, "GET", "/jobs/" + "x" * 9000),
        await ask(house, "BREW", "/"),
        await ask(house, "GET", "/", "Expect: miracles"),
        await ask(house, "GET", "/", "Origin: https://evil.example"),
        await exchange(house.port, b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n"),
        await exchange(house.port, b"nonsense\r\n\r\n"),
    ]
    for answer in answers:
        check(answer)
    assert [answer.status for answer in answers] == [404, 431, 400, 417, 403, 421, 400]


async def test_success_and_refusal_of_a_submission_say_it(house: House) -> None:
    body = str(TEXT).replace("'", '"').encode()
    for sent, status in ((body, 202), (b"{}", 422), (b"[", 400), (b" " * 2_000_000, 413)):
        answer = await ask(house, "POST", "/jobs", "Content-Type: application/json", body=sent)
        assert answer.status == status
        check(answer)


async def test_an_unforeseen_error_says_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def explode(_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(house.store, "get", explode)
    answer = await ask(house, "GET", "/jobs/some")
    assert answer.status == 500
    check(answer)


def test_problem_types_are_distinct_and_have_an_error_status() -> None:
    assert len({kind.slug for kind in ProblemKind}) == len(ProblemKind)
    assert all(400 <= kind.status < 600 for kind in ProblemKind)
