"""--at and --in: when a job shall start."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from cqworker.model.start_times import AS_WRITTEN, span_seconds, start_time

Function = TypeVar("Function", bound=Callable[..., Any])
OF_TIME = {"run_at": "--at", "delay_seconds": "--in"}
"""Parameters that say when a job starts, of which a command takes one."""


class Moment(click.ParamType[str]):
    """A time with its offset from UTC."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            start_time(value)
        except ValueError as error:
            self.fail(f"{value!r} {_with_own_zone(value, str(error))}", param, ctx)
        return value


class Span(click.ParamType[int]):
    """A span of time, such as 3d or 1h30m, in seconds; a number alone is seconds."""

    name = "SPAN"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return span_seconds(f"{value}s" if str(value).isdecimal() else str(value))
        except ValueError as error:
            self.fail(f"{value!r} is no span of time from now: {error}", param, ctx)


def time_options(function: Function) -> Function:
    """--at and --in as `run_at` (text) and `delay_seconds`, one of which may be given."""
    at = click.option(
        "--at",
        "run_at",
        type=Moment(),
        callback=_forbid_second,
        help=f"When it shall start, such as {AS_WRITTEN}; 366 days ahead at most.",
    )
    later = click.option(
        "--in",
        "--delay",
        "delay_seconds",
        type=Span(),
        callback=_forbid_second,
        help="How long it waits from now: seconds, or s, m, h, d, w as in 90s, 3d, 1h30m.",
    )
    return at(later(function))


def _forbid_second(context: click.Context, param: click.Parameter, value: Any) -> Any:
    """Raises UsageError where another option says already when the job starts."""
    given = [option for name, option in OF_TIME.items() if name != param.name and context.params.get(name)]
    if value and given:
        raise click.UsageError(f"{OF_TIME[param.name or '']} and {given[0]} both say when it starts: give one of them.")
    return value


def _with_own_zone(value: str, fault: str) -> str:
    """The fault, and for a time without an offset the one that this machine's zone gives it."""
    if "no offset" not in fault:
        return fault
    here = datetime.fromisoformat(value).astimezone().isoformat()
    return f"has no offset from UTC: write {here} if it is a time of this machine's zone, {value}Z if it is UTC"
