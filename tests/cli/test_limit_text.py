"""Limits as text for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cqworker.cli.limit_text import limit_text, print_limits
from cqworker.fleet.limit_actions import LimitStanding
from cqworker.fleet.limit_views import limit_view
from cqworker.model.limits import Limit, hashed_key, rate_from


def view_of(key: str, **fields: Any) -> dict[str, Any]:
    return limit_view(LimitStanding(key=key, limit=Limit(rate=rate_from("1/m")))) | fields


@pytest.mark.parametrize(
    ("tenant", "limit_key", "name"),
    [
        ("default", "inbox-7", "key:inbox-7"),
        ("acme", "inbox-7", "key:inbox-7 of acme"),
        ("acme", None, "key:acme:92081d0045a6"),
        ("default", "a\x1b[2Jb", "key:a\\x1b[2Jb"),
    ],
)
def test_a_key_goes_by_its_text_where_it_is_known(
    tenant: str, limit_key: str | None, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    view = view_of(hashed_key(tenant, "inbox-7"), limit_key=limit_key)
    assert limit_text(view).startswith(f"{name} is limited to 1/m, bursts of 1.")
    print_limits([view])
    assert capsys.readouterr().out.splitlines()[1].startswith(f"{name}  ")


def test_a_start_that_may_be_now_is_told_so_and_one_to_come_by_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    past, future = (now - timedelta(seconds=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    views = [view_of("type:mail", next_start=time) for time in (past, future)]
    assert [limit_text(view).partition(" The next ")[2] for view in views] == [
        "may start now.",
        f"may start at {future}.",
    ]
    print_limits(views)
    heading, *rows = capsys.readouterr().out.splitlines()
    place = heading.index("NEXT START")
    assert [row[place:].split()[0] for row in rows] == ["now", future]
