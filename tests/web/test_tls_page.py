"""docs/tls.md says what is true of the daemon behind a proxy."""

from __future__ import annotations

from pathlib import Path

from cqworker.model.job_limits import MAX_WAIT
from cqworker.settings import HttpSettings
from cqworker.web.client_connection import KEEPALIVE
from tests.web.house import TEXT, bearer, open_house, token
from tests.web.raw import exchange

PAGE = (Path(__file__).parents[2] / "docs" / "tls.md").read_text(encoding="utf-8")
BALANCER_IDLE = 60
"""Seconds for which an Application Load Balancer keeps an idle connection unless told otherwise."""


def test_its_numbers_are_the_daemons() -> None:
    assert f"the {MAX_WAIT:.0f} seconds of `?wait=`" in PAGE
    assert f"the {KEEPALIVE:.0f} seconds for which" in PAGE
    assert MAX_WAIT < BALANCER_IDLE < KEEPALIVE
    assert f"client_max_body_size {HttpSettings().max_upload >> 20}m;" in PAGE
    assert f"127.0.0.1:{HttpSettings().port}" in PAGE


async def test_a_proxy_on_this_machine_is_served_when_it_names_this_machine_and_nobody_without_a_token() -> None:
    async with open_house(tokens=[token("t", "submit")]) as house:
        forwarded = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=127.0.0.1;proto=https\r\n"
        for host, asked, status in (
            ("127.0.0.1:8080", "Authorization: Bearer t\r\n", 422),
            ("127.0.0.1:8080", "", 401),
            ("jobs.example.com", "Authorization: Bearer t\r\n", 421),
        ):
            head = f"POST /jobs HTTP/1.1\r\nHost: {host}\r\n{asked}{forwarded}Content-Length: 2\r\n\r\n{{}}"
            assert (await exchange(house.port, head.encode())).status == status


async def test_what_is_answered_names_no_scheme_and_no_host() -> None:
    async with open_house(tokens=[token("t", "submit")]) as house:
        headers = bearer("t") | {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "jobs.example.com"}
        async with house.client.post("/jobs", json=TEXT, headers=headers) as answer:
            job_id = (await answer.json())["job_id"]
            assert answer.headers["Location"] == f"/jobs/{job_id}"
