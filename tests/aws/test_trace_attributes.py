"""A trace on a message, in both of its spellings."""

from __future__ import annotations

import pytest

from cqworker.aws.sqs.trace_attributes import is_traceparent, traceparent_from, xray_header

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
XRAY = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"


@pytest.mark.parametrize("value", [SAMPLED, UNSAMPLED, SAMPLED[:-2] + "ff"])
def test_a_traceparent_is_recognised(value: str) -> None:
    assert is_traceparent(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        SAMPLED + "\n",
        SAMPLED.upper(),
        SAMPLED[:-3],
        "ff" + SAMPLED[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_what_is_no_traceparent_is_not_taken_for_one(value: str) -> None:
    assert not is_traceparent(value)


def test_the_xray_header_says_what_the_traceparent_says() -> None:
    assert xray_header(SAMPLED) == XRAY
    assert xray_header(UNSAMPLED) == XRAY.replace("Sampled=1", "Sampled=0")


@pytest.mark.parametrize("value", [SAMPLED, UNSAMPLED])
def test_a_trace_survives_the_way_through_the_xray_header(value: str) -> None:
    assert traceparent_from(xray_header(value)) == value


def test_fields_of_an_xray_header_that_we_do_not_know_are_passed_over() -> None:
    assert traceparent_from(f"Self=1-67891234-12456789abcdef012345678;{XRAY};Lineage=a87bd80c:1|68fd508a:5") == SAMPLED


@pytest.mark.parametrize(
    "header", ["", "Root", XRAY.replace("Parent", "Other"), "Root=1-xyz;Parent=1", "Root=;Parent=;Sampled=1"]
)
def test_an_xray_header_without_a_whole_trace_gives_none(header: str) -> None:
    assert traceparent_from(header) is None
