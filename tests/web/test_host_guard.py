"""Which requests come from this machine or our own pages, and which a browser was tricked into sending."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.house import House, open_house
from tests.web.raw import RawAnswer, exchange

OURS = "localhost"


@pytest.fixture
async def beyond() -> AsyncIterator[House]:
    """A worker that other machines reach, by whatever name."""
    async with open_house(api=False, host="0.0.0.0") as opened:
        yield opened


async def knock(house: House, *lines: str, method: str = "GET", target: str = "/healthz") -> RawAnswer:
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines])
    return await exchange(house.port, f"{head}\r\n\r\n".encode("latin-1"))


STRANGE_HOSTS = [
    "localhost#.evil.example", "localhost?.evil.example", "localhost/.evil.example", "localhost\\.evil.example",
    "localhost@evil.example", "user@localhost", "user:password@localhost", "evil.example@localhost:80", "@localhost",
    "localhost:", "localhost:80:80", "localhost:99999", "localhost:65536", "localhost:0", "localhost:-1",
    "localhost:8a", "localhost:+80", "localhost: 80", "localhost:\u00b2", "localhost, evil.example", "localhost evil",
    "localhost.", "localhost.evil.example", "evil.localhost", "LOCALHOST.EVIL", "127.0.0.1.", "127.1", "2130706433",
    "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1", "::1", "::1]", "[::1]evil", "[::1%25lo]", "[::1%lo]", "[::1%251]",
    "[127.0.0.1]", "[localhost]", "[::ffff:127.0.0.1]", "[]", "[::1].evil", "xn--localhost-", "xn--lcalhost-3na",
    "l\u00f6calhost", "local%68ost", "%6cocalhost", "http://localhost", "localhost;", "localhost|", "*", ".", "_",
]  # fmt: skip


@pytest.mark.parametrize("host", [host for host in STRANGE_HOSTS if host != "localhost:"])
async def test_a_host_that_is_not_exactly_this_machine_is_turned_away_on_loopback(house: House, host: str) -> None:
    answer = await knock(house, f"Host: {host}")
    assert (answer.status, answer.problem["type"]) == (421, "urn:cqworker:problem:misdirected")


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost:", "localhost:1", "127.0.0.1:65535", "[::1]"])
async def test_this_machine_is_met_by_each_of_its_names(house: House, host: str) -> None:
    assert (await knock(house, f"Host: {host}")).status == 200


@pytest.mark.parametrize(
    "host",
    ["worker.internal", "10.0.0.7:8080", "my_service:80", "xn--bcher-kva.example", "[fd00::7]:80", "worker.internal."],
)
async def test_beyond_loopback_any_name_is_met(beyond: House, host: str) -> None:
    assert (await knock(beyond, f"Host: {host}")).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "a#b",
        "user@worker",
        "worker:99999",
        "worker:x",
        "[::1%25lo]",
        "a, b",
        "a b",
        "b\u00fccher.example",
        "[x]",
        "",
        "a/b",
    ],
)
async def test_beyond_loopback_a_host_that_is_none_is_400(beyond: House, host: str) -> None:
    answer = await knock(beyond, f"Host: {host}")
    assert (answer.status, answer.problem["type"]) == (400, "urn:cqworker:problem:malformed-request")


@pytest.mark.parametrize("hosts", [[], [OURS, OURS], [OURS, "evil.example"], ["evil.example", OURS]])
async def test_a_request_has_one_host(house: House, hosts: list[str]) -> None:
    assert (await knock(house, *(f"Host: {host}" for host in hosts))).status == 400


async def test_two_hosts_are_two_in_http_1_0_as_well(house: House) -> None:
    answer = await exchange(house.port, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n")
    assert answer.status == 400


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/healthz", 200),
        ("HTTP://127.0.0.1:80/healthz", 200),
        ("https://localhost/healthz", 200),
        ("http://evil.example/healthz", 421),
        ("http://localhost#.evil.example/healthz", 400),
        ("http://user@localhost/healthz", 421),
        ("http://localhost:99999/healthz", 400),
        ("http://localhost.evil.example/healthz", 421),
        ("ftp://localhost/healthz", 400),
        ("localhost:80", 400),
        ("evil.example:80", 400),
        ("healthz", 400),
    ],
)
async def test_a_target_that_names_a_host_must_name_ours(house: House, target: str, status: int) -> None:
    assert (await knock(house, f"Host: {OURS}", target=target)).status == status


FOREIGN_ORIGINS = [
    "null", "NULL", "", "https://evil.example", "http://localhost:1", "http://localhost.evil.example", "http://[",
    "http://localhost#.evil.example", "http://user@localhost", "localhost", "//localhost", "file://localhost",
    "http://localhost/", "http://localhost http://evil.example", "http://localhost,http://evil.example",
    "chrome-extension://localhost", "http://localhost\\.evil", "http://localhost:99999",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_of_another_origin_is_403_whatever_it_tries(house: House, origin: str, method: str) -> None:
    answer = await knock(house, f"Host: {OURS}", f"Origin: {origin}", method=method)
    assert (answer.status, answer.problem["type"]) == (403, "urn:cqworker:problem:cross-origin")


@pytest.mark.parametrize("origin", ["http://localhost", "https://localhost", "HTTP://LOCALHOST"])
async def test_our_own_origin_is_let_in(house: House, origin: str) -> None:
    assert (await knock(house, f"Host: {OURS}", f"Origin: {origin}")).status == 200


async def test_one_origin_of_ours_does_not_cover_another_beside_it(house: House) -> None:
    lines = ("Host: localhost", "Origin: http://localhost", "Origin: https://evil.example")
    assert (await knock(house, *lines)).status == 403


async def test_an_origin_is_held_against_the_host_that_the_target_names(house: House) -> None:
    lines = ("Host: 127.0.0.1", "Origin: http://127.0.0.1")
    assert (await knock(house, *lines, target="http://localhost/healthz")).status == 403
    lines = ("Host: 127.0.0.1", "Origin: http://localhost")
    assert (await knock(house, *lines, target="http://localhost/healthz")).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "", "same-origin, cross-site", "anything"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
async def test_a_fetch_for_another_site_is_403_without_an_origin(house: House, site: str, method: str) -> None:
    """As an image, a script or a form's GET would be: those send no Origin."""
    answer = await knock(house, f"Host: {OURS}", f"Sec-Fetch-Site: {site}", method=method)
    assert answer.status == 403


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors"])
async def test_its_mode_does_not_help_a_fetch_for_another_site(house: House, mode: str) -> None:
    lines = (f"Host: {OURS}", "Sec-Fetch-Site: cross-site", f"Sec-Fetch-Mode: {mode}", "Sec-Fetch-Dest: document")
    assert (await knock(house, *lines, target="/")).status == 403


@pytest.mark.parametrize("site", ["same-origin", "none", " none "])
async def test_the_persons_own_doing_and_our_own_pages_are_let_in(house: House, site: str) -> None:
    assert (await knock(house, f"Host: {OURS}", f"Sec-Fetch-Site: {site}")).status == 200


async def test_two_words_on_the_site_must_both_be_ours(house: House) -> None:
    lines = (f"Host: {OURS}", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site")
    assert (await knock(house, *lines)).status == 403


async def test_a_page_of_another_site_is_turned_away_beyond_loopback_too(beyond: House) -> None:
    assert (await knock(beyond, "Host: worker", "Sec-Fetch-Site: cross-site")).status == 403
    assert (await knock(beyond, "Host: worker", "Origin: https://evil.example")).status == 403


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
async def test_a_form_of_another_page_does_nothing(house: House, content_type: str) -> None:
    job = await house.submit()
    for lines in (["Origin: null"], ["Origin: https://evil.example"], ["Sec-Fetch-Site: same-site"]):
        for target in ("/jobs", f"/jobs/{job['job_id']}/cancel", "/artifacts"):
            head = [f"Host: {OURS}", f"Content-Type: {content_type}", "Content-Length: 0", *lines]
            assert (await knock(house, *head, method="POST", target=target)).status == 403
    assert await house.get(f"/jobs/{job['job_id']}") == (200, job)
    assert len(house.queue.bodies) == 1


@pytest.mark.parametrize("header", ["X-Forwarded-Host: localhost", "Forwarded: host=localhost", "X-Host: localhost"])
async def test_no_forwarded_header_is_believed(house: House, header: str) -> None:
    assert (await knock(house, "Host: evil.example", header)).status == 421
    assert (
        await knock(house, "Host: localhost", "X-Forwarded-Host: evil.example", "Forwarded: for=1.2.3.4")
    ).status == 200
