"""What is said of fields that say how a job is unique, replaced or limited, and cannot be so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.house import TEXT, House

TOO_SHORT = (
    "max_wait_seconds (5) is less than debounce_seconds (50): the job would start before it has waited once; give as "
    "much or more"
)
REPLACES = (
    "what replaces a job (on_duplicate replace, debounce_seconds) goes with unique and its scope until_started, as in "
    '{"unique": {"scope": "until_started"}}: a job that has started stays as it is'
)
BY = "is neither a list of 1 to 16 names of payload fields nor a text of 1 to 128 characters"
REPLACED = {"unique": {"scope": "until_started"}, "on_duplicate": "replace"}


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"unique": True}, "/unique", "Input should be an object"),
        ({"unique": []}, "/unique", "Input should be an object"),
        ({"metadata": "a=b"}, "/metadata", "Input should be an object"),
        ({"unique": {"by": ""}}, "/unique/by", BY),
        ({"unique": {"by": 7}}, "/unique/by", BY),
        ({"unique": {"by": []}}, "/unique/by", BY),
        ({"unique": {"by": [""]}}, "/unique/by", BY),
        ({"unique": {"by": "x" * 129}}, "/unique/by", BY),
        ({"unique": {"by": [str(n) for n in range(17)]}}, "/unique/by", BY),
        ({"unique": {"scope": "window"}}, "/unique", "the scope window needs window_seconds, 1 to 31622400 (366 days)"),
        (
            {"unique": {"scope": "until_started", "window_seconds": 5}},
            "/unique",
            "window_seconds goes with the scope window, not with until_started",
        ),
        (REPLACED | {"debounce_seconds": 0}, "/debounce_seconds", "Input should be greater than or equal to 1"),
        (REPLACED | {"debounce_seconds": 50, "max_wait_seconds": 5}, "/debounce_seconds", TOO_SHORT),
        ({"on_duplicate": "replace"}, "/unique", REPLACES),
    ],
)
async def test_a_field_is_refused_once_where_it_stands_and_in_words_of_the_api(
    house: House, fields: dict[str, Any], pointer: str, said: str
) -> None:
    status, problem = await house.post("/jobs", json=TEXT | fields)
    assert (status, problem["errors"]) == (422, [{"pointer": pointer, "detail": said}])


async def test_a_job_that_names_no_debounce_has_none(house: House) -> None:
    status, _ = await house.post("/jobs", json=TEXT | REPLACED | {"debounce_seconds": None})
    assert status == 202
