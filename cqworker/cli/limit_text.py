"""Limits as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from cqworker.cli.job_text import printable
from cqworker.cli.text_table import print_table
from cqworker.model.limits import shown_key

View = Mapping[str, Any]
MOST_COUNTED = 1000
"""Waiting jobs that are counted; more are as many."""


def print_limits(limits: Sequence[View]) -> None:
    """A row each."""
    if not limits:
        click.echo('Nothing is limited. Name limits in the configuration, as [limits."type:…"], or with `limits set`.')
        return
    headings = ("KEY", "LIMIT", "HELD", "WAITING", "SINCE", "NEXT START", "UNTIL", "BY", "REASON")
    rows = [
        (
            printable(shown_key(limit["key"])),
            _limit(limit),
            _held(limit),
            _waiting(limit),
            limit["oldest_waiting"]["since"] if limit["oldest_waiting"] else "-",
            limit["next_start"] or "-",
            limit["until"] or "-",
            printable(limit["by"] or limit["said_by"]),
            printable(limit["reason"] or "-"),
        )
        for limit in limits
    ]
    print_table(headings, rows)


def limit_text(limit: View) -> str:
    """What holds for a key, and who uses it, in sentences."""
    name, until = printable(shown_key(limit["key"])), f" until {limit['until']}" if limit["until"] else ""
    said = f"{name} is not limited." if not limit["is_limited"] else f"{name} is limited to {_limit(limit)}{until}."
    if limit["is_paused"]:
        said = f"{name} is paused{until}: no job of it starts, and what runs is finished."
    if limit["on_full"] == "drop" and limit["is_limited"]:
        said += " What may not start at once is CANCELLED."
    if limit["held"] or limit["waiting"]:
        said += f" It has {_held(limit)} running, and {_waiting(limit)} waiting."
    if limit["is_full"]:
        said += " No more may wait: jobs that it binds are refused for now."
    if limit["next_start"] and not limit["is_paused"]:
        said += f" The next may start at {limit['next_start']}."
    return said


def _limit(limit: View) -> str:
    if limit["is_paused"]:
        return "paused"
    parts = [f"{limit['concurrency']} at once"] if limit["concurrency"] is not None else []
    if limit["rate"] is not None:
        parts.append(f"{limit['rate']}, bursts of {limit['burst']}")
    return " and ".join(parts) or "none"


def _held(limit: View) -> str:
    return f"{limit['held']} ({limit['dead']} dead)" if limit["dead"] else str(limit["held"])


def _waiting(limit: View) -> str:
    counted = f"{MOST_COUNTED} or more" if limit["waiting"] >= MOST_COUNTED else str(limit["waiting"])
    return f"{counted} (full)" if limit["is_full"] else counted
