"""Failures that are alike have one fingerprint, and others have another."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from cqworker.model.fingerprint import with_fingerprint
from cqworker.model.record import Failure
from cqworker.model.status import FailureKind

TRACE = """Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.11/site-packages/acme/orders.py", line {line}, in charge
    card = json.loads(text)
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
json.decoder.JSONDecodeError: Expecting value
"""
FAILURE = Failure(FailureKind.RAISED, "Expecting value", "JSONDecodeError", "handler", TRACE.format(line=12))


def of(failure: Failure, job_type: str = "orders.charge") -> str:
    return with_fingerprint(job_type, failure).fingerprint or ""


def test_it_is_eight_hexadecimal_digits_and_the_same_each_time() -> None:
    assert re.fullmatch("[0-9a-f]{8}", of(FAILURE))
    assert of(FAILURE) == of(FAILURE) == "bcbff2cd"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 is unpaid", "order 4711 is unpaid"),
        ("no user 'ann' here", "no user 'bob the builder' here"),
        ('no key "a"', 'no key "b c"'),
        ("GET https://a.example/x?y=1 said no", "GET https://b.example/z said no"),
        ("object at 0x7f3a died", "object at 0x10beef died"),
        ("job 01a2059b-5930-7aa8-94b4-0571c9838c6c is gone", "job cafebabe-cafe-babe-cafe-babecafebabe is gone"),
        ("commit 8f3ac21d is bad", "commit 9912ffe0 is bad"),
    ],
)
def test_what_varies_in_a_message_makes_no_difference(one: str, other: str) -> None:
    assert of(replace(FAILURE, message=one)) == of(replace(FAILURE, message=other))


def test_a_line_that_moved_and_a_frame_of_the_standard_library_make_no_difference() -> None:
    moved = replace(FAILURE, traceback=TRACE.format(line=99).replace("loads", "load"))
    assert of(moved) == of(FAILURE)


@pytest.mark.parametrize(
    "changed",
    [
        replace(FAILURE, kind=FailureKind.EXHAUSTED),
        replace(FAILURE, message="Expecting another value"),
        replace(FAILURE, error="KeyError"),
        replace(FAILURE, traceback=TRACE.format(line=12).replace("charge", "refund")),
        replace(FAILURE, traceback=TRACE.format(line=12).replace("orders.py", "refunds.py")),
        replace(FAILURE, traceback=None),
    ],
)
def test_what_is_another_failure_has_another_fingerprint(changed: Failure) -> None:
    assert of(changed) != of(FAILURE)


def test_each_type_has_its_own() -> None:
    assert of(FAILURE, "orders.refund") != of(FAILURE)


@pytest.mark.parametrize("message", ["", "\udcff", "it's 'open", "'" * 500, "a" * 500, "0" * 500, "bob's mum's"])
def test_any_text_has_one(message: str) -> None:
    assert len(of(replace(FAILURE, message=message, traceback=message))) == 8
