"""--unique and what goes with it: what a job is unique by, and what happens where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from cqworker.cli.options import refuse_empty
from cqworker.cli.time_options import Span
from cqworker.enums import DuplicateName, UniqueScopeName

Function = TypeVar("Function", bound=Callable[..., Any])
UNIQUE_OPTIONS = ("unique", "unique_by", "unique_text", "unique_scope", "unique_window")
"""The parameters that make the field `unique` of a job."""


def unique_options(function: Function) -> Function:
    """--unique and what begins so, --on-duplicate, --debounce and --max-wait."""
    options = (
        click.option("--unique", is_flag=True, help="Make no second job with this payload while one is unfinished."),
        click.option(
            "--unique-by",
            multiple=True,
            callback=refuse_empty,
            metavar="FIELD",
            help="A payload field that makes jobs the same, in place of the whole payload; may be repeated.",
        ),
        click.option(
            "--unique-text",
            callback=refuse_empty,
            metavar="TEXT",
            help="A text of your own that makes jobs the same.",
        ),
        click.option(
            "--unique-scope",
            type=click.Choice(get_args(UniqueScopeName)),
            help="How long it keeps others with the same from being made; else until_finished.",
        ),
        click.option("--unique-window", type=Span(), help="With the scope window: how long, as in 1h30m."),
        click.option(
            "--on-duplicate",
            type=click.Choice(get_args(DuplicateName)),
            help="Where there is one: return it (the default), replace what it waits to do, or reject this one.",
        ),
        click.option(
            "--debounce", "debounce_seconds", type=Span(), help="Start so long after the last one, which replaces it."
        ),
        click.option(
            "--max-wait", "max_wait_seconds", type=Span(), help="With --debounce: start by then at the latest."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def unique_field(fields: Mapping[str, Any]) -> dict[str, object] | None:
    """The field `unique` of the job that these parameters describe; None where none of them is given.

    Raises UsageError where two of them say what makes jobs the same.
    """
    if not any(fields.get(name) for name in UNIQUE_OPTIONS):
        return None
    by: object = list(fields["unique_by"]) or None
    if by and fields["unique_text"]:
        raise click.UsageError("--unique-by and --unique-text both say what makes jobs the same: give one of them.")
    said = {
        "by": by or fields["unique_text"],
        "scope": fields["unique_scope"],
        "window_seconds": fields["unique_window"],
    }
    return {name: value for name, value in said.items() if value is not None}
