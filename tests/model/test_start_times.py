"""Times and spans as people write them: taken where they say one moment, else refused with how to write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cqworker.model.start_times import epoch_ms, span_seconds, span_text, start_time

NINE = 1_796_284_800_000
"""2026-12-03T08:00:00Z in epoch ms."""


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-12-03T08:00:00Z", NINE),
        ("2026-12-03t08:00:00z", NINE),
        ("2026-12-03T09:00+01:00", NINE),
        ("2026-12-03 02:30:00-05:30", NINE),
        ("2026-12-02T18:00:00.000-14:00", NINE),
        ("2026-12-03T08:00:00.1Z", NINE + 100),
        ("2026-12-03T08:00:00.0001Z", NINE + 1),
        ("1969-12-31T23:59:59Z", -1000),
        ("2028-02-29T00:00:00Z", 1_835_395_200_000),
    ],
)
def test_a_time_with_an_offset_is_one_moment_and_never_before_it(text: str, ms: int) -> None:
    assert start_time(text) == ms


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-12-03T09:00:00", "has no offset from UTC, so that nobody knows when it is: write 2026-12-03T09:00:00Z"),
        ("2026-02-30T09:00:00Z", "2026-02 has no day 30"),
        ("2027-02-29T09:00:00Z", "2027-02 has no day 29"),
        ("0000-01-01T09:00:00Z", "is no time"),
        ("2026-12-03", "as in 2026-12-03T09:00:00+01:00"),
        ("tomorrow", "is no time"),
        ("2026-12-03T09:00:00+1:00", "is no time"),
        ("2026-12-03T09:00:00+01:00\n", "is no time"),
        ("٢٠٢٦-12-03T09:00:00Z", "is no time"),
        ("", "is no time"),
    ],
)
def test_anything_else_is_refused_with_how_to_write_it(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"offset|no time") as caught:
        start_time(text)
    assert told in str(caught.value)


def test_a_part_of_a_millisecond_counts_whole() -> None:
    moment = datetime(2026, 12, 3, 9, 0, 0, 1, timezone(timedelta(hours=1)))
    assert epoch_ms(moment) == NINE + 1
    assert epoch_ms(datetime(2026, 12, 3, 8, tzinfo=UTC)) == NINE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("3d", 259_200),
        ("1h30m", 5400),
        ("1 h 30 m", 5400),
        ("2w", 1_209_600),
        ("0s", 0),
        ("366d", 31_622_400),
    ],
)
def test_a_span_is_the_sum_of_its_parts(text: str, seconds: int) -> None:
    assert span_seconds(text) == seconds


@pytest.mark.parametrize("text", ["3", "3 days", "d", "-3d", "1.5h", "3D", "", "367d", "1y", "999999999w"])
def test_what_is_no_span_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write a number and its unit|more than 366 days"):
        span_seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (-5, "0 s"), (59.6, "1 min"), (59, "59 s"), (3600, "1 h"), (183_900, "2 d 3 h"), (86_460, "1 d")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert span_text(seconds) == text
