"""`cqworker jobs list` and `jobs count`: which jobs there are that are so."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cqworker.cli.options import Function, access_options, json_option
from cqworker.model.status import Status

if TYPE_CHECKING:
    from cqworker.client.job_types import View

MOST = 200
"""Jobs that are asked for at once at most."""
USUAL = 50
"""Jobs that a list prints where nobody says how many: a screen or two."""
EVERY = "all"
"""What stands for every status."""
_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS_AGO = {"today": 0, "yesterday": 1}
_is_span = re.compile(r"(\d{1,6})([smhdw])").fullmatch


def _time(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    return None if value is None else as_time(value)


def as_time(value: str) -> str:
    """A span such as 24h as the time so long ago, `yesterday` as that day; others as they are."""
    if value in _DAYS_AGO:
        return (datetime.now(UTC) - timedelta(days=_DAYS_AGO[value])).date().isoformat()
    if (span := _is_span(value)) is None:
        return value
    ago = timedelta(**{_SPANS[span[2]]: int(span[1])})
    return (datetime.now(UTC) - ago).isoformat(timespec="seconds").replace("+00:00", "Z")


_WHEN = "an RFC 3339 time, a day (UTC), today, yesterday, or a span such as 24h: so long ago."


def filter_options(function: Function) -> Function:
    """The options that choose jobs."""
    options = (
        click.option("--type", help="Only this job type."),
        click.option("--queue", help="Only this queue."),
        click.option("--tenant", help="Only this tenant's."),
        click.option("--worker", help="Only what this worker ended, or had last."),
        click.option("--release", help="Only what this release of the code ended."),
        click.option("--fingerprint", help="Only failures that are alike: those with this fingerprint."),
        click.option("--from", "from_", callback=_time, help=f"Not before: {_WHEN}"),
        click.option("--to", callback=_time, help="Before this, written as for --from."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("list")
@click.option(
    "--status",
    default=Status.FAILED.value,
    show_default=True,
    help=f"Only this status; `{EVERY}`: every one, where that has an index.",
)
@filter_options
@click.option("--tag", help="Only jobs with this tag.")
@click.option("--limit", type=click.IntRange(0), default=USUAL, show_default=True, help="Jobs at most; 0: all of them.")
@json_option
@access_options
def list_jobs(limit: int, as_json: bool, config: Path | None, url: str | None, token: str | None, **asked: Any) -> None:
    """List jobs, the newest first: those that failed, are due later (--status SCHEDULED), or run (--status RUNNING).

    With --json each job is one line.
    """
    asyncio.run(_list((config, url, token), _asked(**asked), limit, as_json=as_json))


@click.command()
@click.option("--status", default=Status.FAILED.value, show_default=True, help="Or CANCELLED, where that is listed.")
@filter_options
@json_option
@access_options
def count(as_json: bool, config: Path | None, url: str | None, token: str | None, **asked: Any) -> None:
    """Count the jobs that failed."""
    total, back_to = asyncio.run(_count((config, url, token), _asked(**asked)))
    click.echo(json.dumps({"count": total, "counted_back_to": back_to}) if as_json else str(total))


Access = tuple[Path | None, str | None, str | None]
"""The configuration, the daemon's address and the token."""


def _asked(from_: str | None, **asked: str | None) -> dict[str, str]:
    said = {**asked, "from": from_, "status": None if asked["status"] == EVERY else asked["status"]}
    return {name: value for name, value in said.items() if value is not None}


async def _list(access: Access, asked: dict[str, str], limit: int, *, as_json: bool) -> None:
    rows: list[list[str]] = []
    number, is_whole, unnamed = 0, True, 0
    async with aclosing(_pages(access, "list", asked | {"limit": str(min(limit or MOST, MOST))})) as pages:
        async for page in pages:
            shown = page["jobs"][: limit - number] if limit else page["jobs"]
            number += len(shown)
            if as_json:
                click.echo("".join(f"{json.dumps(job, ensure_ascii=False)}\n" for job in shown), nl=False)
            else:
                rows += map(_row, shown)
            unnamed = page.get("unnamed") or 0  # an older daemon knows none
            is_whole = page["next"] is None and len(shown) == len(page["jobs"])
            if limit and number == limit:
                break
    if not as_json:
        _print(rows)
    if not is_whole:
        click.echo(f"These are the first {limit}; --limit says how many, 0 all of them.", err=True)
    if unnamed:
        click.echo(f"{unnamed} more run: each worker names the 32 that it has run for longest.", err=True)


async def _count(access: Access, asked: Mapping[str, str]) -> tuple[int, str]:
    total, back_to = 0, ""
    async for page in _pages(access, "count", asked):
        total, back_to = total + page["count"], page["counted_back_to"]
    return total, back_to


async def _pages(access: Access, what: str, asked: Mapping[str, str]) -> AsyncGenerator[View, None]:
    from cqworker.cli.job_access import open_transport

    async with open_transport(*access) as transport:
        ask: Callable[[Mapping[str, str]], Any] = getattr(transport, what)
        cursor: Mapping[str, str] | None = {}
        while cursor is not None:
            page = await ask({**asked, **cursor})
            yield page
            cursor = {"cursor": page["next"]} if page["next"] else None


def _row(job: View) -> list[str]:
    from cqworker.cli.job_text import printable

    failure = job["failure"]
    said = f"{failure['kind']}: {failure['message']}" if failure else ""
    time = job["finished_at"] or job["scheduled_at"] or job["created_at"]
    alike = (failure or {}).get("fingerprint") or ""
    cells = (time, job["status"], job["type"], job["job_id"], alike, said if len(said) <= 80 else f"{said[:79]}…")
    return [printable(str(cell)) for cell in cells]


def _print(rows: list[list[str]]) -> None:
    from cqworker.cli.text_table import print_table

    if rows:
        print_table(("TIME", "STATUS", "TYPE", "JOB", "FINGERPRINT", "FAILURE"), rows)
    else:
        click.echo("There are no such jobs.", err=True)
