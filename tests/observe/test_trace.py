"""Trace ids: kept where given, else derived from the job."""

from __future__ import annotations

import hashlib

import pytest

from cqworker.model.trace import (
    TraceParent,
    derived_trace_id,
    parse_traceparent,
    trace_id_for,
    trace_id_of,
    traceparent_for,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
JOB = "0193a5b2-7c00-7abc-8def-0123456789ab"


def test_a_valid_traceparent_is_taken_apart() -> None:
    assert parse_traceparent(GIVEN) == TraceParent(TRACE, "00f067aa0ba902b7", 1)


@pytest.mark.parametrize(("digits", "flags"), [("00", 0), ("01", 1), ("03", 3), ("ff", 255)])
def test_the_flags_are_read_as_one_number(digits: str, flags: int) -> None:
    parsed = parse_traceparent(GIVEN[:-2] + digits)
    assert parsed is not None
    assert parsed.flags == flags


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "nonsense",
        GIVEN.upper(),
        GIVEN + "\n",
        " " + GIVEN,
        GIVEN + "-more",
        "01" + GIVEN[2:],
        "ff" + GIVEN[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-0g",
        f"00-{'٣' * 32}-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_traceparent_is_refused(bad: str | None) -> None:
    assert parse_traceparent(bad) is None
    assert trace_id_of(bad) is None


def test_a_given_trace_is_kept() -> None:
    assert traceparent_for(JOB, GIVEN) == GIVEN
    assert trace_id_for(JOB, GIVEN) == TRACE


def test_a_job_without_a_trace_gets_one_made_of_its_uuid_and_not_sampled() -> None:
    made = parse_traceparent(traceparent_for(JOB, "garbage"))
    assert made is not None
    assert made.trace_id == JOB.replace("-", "") == derived_trace_id(JOB) == trace_id_for(JOB, None)
    assert made.flags == 0


def test_an_upper_case_uuid_gives_a_lower_case_trace() -> None:
    assert derived_trace_id(JOB.upper()) == derived_trace_id(JOB)


@pytest.mark.parametrize("job_id", ["order-4711", "", "名", "\ud800", "00000000-0000-0000-0000-000000000000"])
def test_any_other_job_id_gives_a_trace_made_of_its_digest(job_id: str) -> None:
    digest = hashlib.sha256(job_id.encode("utf-8", "surrogatepass")).hexdigest()
    assert derived_trace_id(job_id) == digest[:32]
    assert trace_id_of(traceparent_for(job_id, None)) == digest[:32]


def test_a_made_traceparent_is_always_the_same() -> None:
    assert traceparent_for("order-4711", None) == traceparent_for("order-4711", None)
