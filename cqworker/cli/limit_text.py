"""Limits as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from cqworker.cli.job_text import printable
from cqworker.cli.text_table import print_table
from cqworker.model.limits import shown_key
from cqworker.model.tenants import DEFAULT_TENANT

NOW = "now"
"""For a moment that has come."""
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
            _name(limit),
            _limit(limit),
            _held(limit),
            _waiting(limit),
            limit["oldest_waiting"]["since"] if limit["oldest_waiting"] else "-",
            _next_start(limit) or "-",
            limit["until"] or "-",
            printable(limit["by"] or limit["said_by"]),
            printable(limit["reason"] or "-"),
        )
        for limit in limits
    ]
    print_table(headings, rows)


def limit_text(limit: View) -> str:
    """What holds for a key, and who uses it, in sentences."""
    name, until = _name(limit), f" until {limit['until']}" if limit["until"] else ""
    said = f"{name} is not limited." if not limit["is_limited"] else f"{name} is limited to {_limit(limit)}{until}."
    if limit["is_paused"]:
        said = f"{name} is paused{until}: no job of it starts, and what runs is finished."
    if limit["on_full"] == "drop" and limit["is_limited"]:
        said += " What may not start at once is CANCELLED."
    if limit["held"] or limit["waiting"]:
        said += f" It has {_held(limit)} running, and {_waiting(limit)} waiting."
    if limit["is_full"]:
        said += " No more may wait: jobs that it binds are refused for now."
    if (start := _next_start(limit)) is not None and not limit["is_paused"]:
        said += f" The next may start {start if start == NOW else f'at {start}'}."
    return said


def _name(limit: View) -> str:
    """What is limited, as it is named: of a tenant's limit_key its text where it is known."""
    if limit["limit_key"] is None:
        return printable(shown_key(limit["key"]))
    whose = "" if limit["tenant"] == DEFAULT_TENANT else f" of {limit['tenant']}"
    return printable(f"key:{limit['limit_key']}{whose}")


def _next_start(limit: View) -> str | None:
    """When the rate lets the next job start, or NOW: a moment that has come is none to wait for."""
    if limit["next_start"] is None:
        return None
    return NOW if datetime.fromisoformat(limit["next_start"]) <= datetime.now(UTC) else limit["next_start"]


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
