"""Whose a job is: a name that SQS takes as the group of its messages, checked wherever it is written."""

from __future__ import annotations

import string

import pytest

from cqworker import handler
from cqworker.jobs.submission import Submission
from cqworker.model.envelope import read_envelope
from cqworker.model.envelope_fields import NotAnEnvelope
from cqworker.model.tenants import MAX_TENANT, check_tenant, message_group_of
from cqworker.settings import TokenSettings
from cqworker.testing import run_handler
from tests.model.samples import message

HASH = "0" * 64
GOOD = ["default", "acme", "a", "0", "x" * MAX_TENANT, "acme/eu", "...", "a.b", ".a", string.ascii_letters]
GOOD += [f"a{mark}b" for mark in string.punctuation.replace(".", "").replace("/", "")]
BAD = [
    "",
    " ",
    "acme corp",
    "acme ",
    "\tacme",
    "acme\n",
    "a\0b",
    "\x7f",
    "caf\u00e9",
    "\u2028",
    "\ud83d\ude00",
    "\ud800",
]
BAD += ["x" * (MAX_TENANT + 1), ".", "..", "a/../b", "a//b", "/a", "a/", "./a"]


@handler
async def quick(payload: dict[str, str]) -> dict[str, str]:
    return payload


@pytest.mark.parametrize("name", GOOD)
def test_what_sqs_takes_as_a_message_group_is_a_tenant_everywhere(name: str) -> None:
    assert check_tenant(name) == name
    assert TokenSettings(name="t", sha256=HASH, tenant=name).tenant == name
    assert Submission(type="t", payload="{}", tenant=name).tenant == name
    assert read_envelope(message(tenant=name).text()).tenant == name
    assert message_group_of(name) == (None if name == "default" else name)


@pytest.mark.parametrize("name", BAD)
async def test_what_sqs_refuses_as_a_message_group_is_refused_where_it_is_written(name: str) -> None:
    words = "step" if "/" in name or name in (".", "..") else "printable ASCII"
    with pytest.raises(ValueError, match=words):
        check_tenant(name)
    with pytest.raises(ValueError, match=words):
        TokenSettings(name="t", sha256=HASH, tenant=name)
    with pytest.raises(ValueError, match=words):
        Submission(type="t", payload="{}", tenant=name)
    with pytest.raises(ValueError, match=words):
        await run_handler(quick, {}, tenant=name)
    with pytest.raises(NotAnEnvelope, match=r"tenant|JSON"):
        read_envelope(message(tenant="?").text().replace('"?"', f'"{name}"'))


@pytest.mark.parametrize("name", [None, 7, b"acme", ["acme"]])
def test_what_is_no_text_is_no_tenant(name: object) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        check_tenant(name)


def test_the_refusal_is_one_line_and_never_long() -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        check_tenant("\n" * 10_000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
