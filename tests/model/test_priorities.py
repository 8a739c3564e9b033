"""What a level is called, where it waits, and which one a number stands for."""

from __future__ import annotations

import pytest

from cqworker.model.priorities import PRIORITIES, level_of, level_queue, stored_priority

THREE = ("high", "medium", "low")


def test_the_queue_of_the_medium_level_has_the_plain_name() -> None:
    assert [level_queue("jobs", name) for name in (None, "medium", "high")] == ["jobs", "jobs", "jobs-high"]


def test_a_medium_job_says_nothing_of_it() -> None:
    assert [stored_priority(name) for name in THREE] == ["high", None, "low"]


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        (THREE, ["low"] * 3 + ["medium"] * 3 + ["high"] * 4),
        (("high", "medium"), ["medium"] * 5 + ["high"] * 5),
        (PRIORITIES, ["lowest"] * 2 + ["low"] * 2 + ["medium"] * 2 + ["high"] * 2 + ["highest"] * 2),
    ],
)
def test_the_ten_numbers_are_shared_out_evenly(levels: tuple[str, ...], found: list[str]) -> None:
    assert [level_of(number, levels) for number in range(10)] == found


def test_what_a_queue_has_no_level_for_is_none() -> None:
    assert [level_of(asked, THREE) for asked in ("highest", 10, -1)] == [None] * 3
    assert [level_of(asked, ()) for asked in ("high", 5)] == [None] * 2


def test_nothing_and_normal_are_medium_everywhere() -> None:
    assert [level_of(asked, ()) for asked in (None, "medium", "normal")] == ["medium"] * 3
