"""How long a job is put off, as people write it."""

from __future__ import annotations

import click
import pytest

from cqworker.cli.time_options import Span


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("16m", 960),
        ("3h", 10_800),
        ("366d", 31_622_400),
        ("1h30m", 5400),
        ("2w", 1_209_600),
    ],
)
def test_a_span_is_seconds_or_has_a_unit(said: str, seconds: int) -> None:
    assert Span().convert(said, None, None) == seconds


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5h", "3 days", "1y", "3D", "367d", "31622401", "٣d"])
def test_what_is_no_span_is_refused_with_what_is_one(said: str) -> None:
    with pytest.raises(click.BadParameter, match=r"no span of time|more than 366 days"):
        Span().convert(said, None, None)
