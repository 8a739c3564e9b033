"""Cursors that no list gave, and questions that cannot be asked."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from cqworker.errors import ListingRefused
from cqworker.jobs.list_ask import list_ask_from
from tests.contract.clock import NOW
from tests.jobs.lists import DAY, Lists, job

FAILED = "FAILED"
CURSORS = ["", "x", "eyJ9", "=" * 9_000, "ü", "bnVsbA", "WzEsICIiLCAiIiwgW11d"]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ListingRefused, match="leave it out to begin anew"):
        await Lists([job(1)]).page(status=FAILED, cursor=cursor)


async def cursor_of(lists: Lists, **texts: str) -> str:
    cursor = (await lists.page(None, limit="1", **texts)).next
    assert cursor is not None
    return cursor


async def test_a_cursor_of_another_list_or_of_another_caller_is_refused() -> None:
    lists = Lists([job(number, tenant=("acme", "blue")[number % 2]) for number in range(10)])
    cursor = await cursor_of(lists, status=FAILED, tenant="blue")
    for caller, asked in ((None, {}), ("acme", {}), (None, {"tenant": "acme"}), (None, {"type": "orders.charge"})):
        with pytest.raises(ListingRefused, match="another list"):
            await lists.page(caller, status=FAILED, cursor=cursor, **asked)
    assert (await lists.page("blue", status=FAILED, cursor=cursor)).jobs[0].tenant == "blue"


def forged(cursor: str, **changes: Any) -> str:
    version, digest, step, lanes = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    body = {"version": version, "digest": digest, "step": step, "lanes": lanes} | changes
    return urlsafe_b64encode(json.dumps(list(body.values())).encode()).decode().rstrip("=")


FORGERIES: list[dict[str, Any]] = [
    {"version": 2},
    {"step": "2999-01-01"},
    {"step": "yesterday"},
    {"step": ""},
    {"step": "FAILED#2026-01-01"},
    {"lanes": []},
    {"lanes": [None] * 9},
    {"lanes": [[-1, "job"]] * 8},
    {"lanes": [[10**13, "job"]] * 8},
    {"lanes": [[NOW + DAY, "job"]] * 8},
    {"lanes": [[NOW, ""]] * 8},
    {"lanes": [[NOW, "x" * 10_000]] * 8},
    {"lanes": [[str(NOW), "job"]] * 8},
    {"lanes": [{"pk": "job#secret"}] * 8},
]


@pytest.mark.parametrize("changes", FORGERIES)
async def test_a_forged_cursor_is_refused(changes: dict[str, Any]) -> None:
    lists = Lists([job(number) for number in range(10)])
    cursor = forged(await cursor_of(lists, status=FAILED), **changes)
    with pytest.raises(ListingRefused, match="leave it out to begin anew"):
        await lists.page(status=FAILED, cursor=cursor)


async def test_a_forged_position_that_could_be_reads_nothing_of_others() -> None:
    lists = Lists([job(number, tenant=("acme", "blue")[number % 2]) for number in range(10)])
    cursor = (await lists.page("acme", status=FAILED, limit="1")).next or ""
    made = forged(cursor, lanes=[[NOW - 1, "job-00001"]] * 8)
    assert {record.tenant for record in (await lists.page("acme", status=FAILED, cursor=made)).jobs} == {"acme"}


async def test_a_cursor_that_became_too_old_ends_the_list() -> None:
    lists = Lists([job(29 * 24 * 60 + number) for number in range(10)])
    cursor = await cursor_of(lists, status=FAILED)
    lists.clock.ms += 5 * DAY
    page = await lists.page(status=FAILED, cursor=cursor)
    assert (list(page.jobs), page.next) == ([], None)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"typ": "a"}, "did you mean type"),
        ({"zzz": "a"}, "there are status, type"),
        ({"status": "BROKEN"}, "must be one of SCHEDULED, BLOCKED"),
        ({"limit": "0"}, "from 1 to 200"),
        ({"limit": "201"}, "from 1 to 200"),
        ({"limit": "ten"}, "from 1 to 200"),
        ({"type": ""}, "1 to 256 characters"),
        ({"tag": "x" * 257}, "1 to 256 characters"),
        ({"from": "yesterday"}, "such as 2026-11-30T06:00:00Z"),
        ({"from": "2026-11-30T06:00:00"}, "with its zone"),
        ({"to": "2026-02-30"}, "such as"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "must be before"),
        ({"from": "2026-02-02", "to": "2026-02-02"}, "must be before"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_what_may_be(texts: dict[str, str], said: str) -> None:
    with pytest.raises(ListingRefused, match=said):
        list_ask_from(texts)


def test_a_time_has_any_zone_and_a_plus_that_became_a_space_is_one() -> None:
    same = [{"from": f"2026-01-01T{text}"} for text in ("02:00:00+02:00", "02:00:00 02:00", "00:00:00Z", "00:00Z")]
    assert {list_ask_from(texts).first for texts in (*same, {"from": "2026-01-01"})} == {1_767_225_600_000}
