"""`cqworker operations`, and what `jobs retry` and `jobs cancel` do to many jobs at once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.job_lists import as_time
from cqworker.cli.options import Function, access_options, json_option

if TYPE_CHECKING:
    from cqworker.client.job_types import View
    from cqworker.client.operation_client import OperationClient

Answer = TypeVar("Answer")
Access = tuple[Path | None, str | None, str | None]
"""The configuration, the daemon's address and the token."""
TIMES = ("from", "to")
"""The filters that may be a span: so long ago."""


def _filters(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`key=value` of each --filter; what a filter may be, the list of jobs says."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, said = value.partition("=")
        if not equals or not name or not said:
            raise click.BadParameter(f"{value!r} is no filter; write it like status=FAILED, type=orders or from=24h")
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice; a list has one of each filter")
        found[name] = as_time(said) if name in TIMES else said
    return found


def many_options(function: Function) -> Function:
    """What says which jobs, and how, where it is not one by its id."""
    options = (
        click.option(
            "--filter",
            "chosen",
            multiple=True,
            metavar="KEY=VALUE",
            callback=_filters,
            help="All jobs that are so, as `jobs list` finds them: status, type, queue, tenant, tag, worker, release, "
            "fingerprint, from, to. Several narrow it down.",
        ),
        click.option("--dry-run", is_flag=True, help="Say only what it would be done to."),
        click.option("--yes", is_flag=True, help="Do not ask, for scripts."),
        click.option("--reason", default="", help="Why, for the history of each of the jobs; at most 100 bytes."),
        click.option("--rate", type=click.IntRange(1, 1000), help="Jobs a second at most; else 50."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def act_on_many(
    act: str,
    jobs: Mapping[str, str] | Sequence[str],
    access: Access,
    *,
    as_json: bool,
    dry_run: bool,
    yes: bool,
    reason: str,
    rate: int | None,
) -> None:
    """Asks for an operation on these jobs, once its number was seen and agreed to.

    Raises UsageError, with the number, where there is nobody to ask.
    """
    seen = _ask(access, lambda operations: operations.preview(act, jobs))
    if dry_run:
        _print_preview(seen, as_json=as_json)
        return
    if not seen["matched"] and seen["complete"]:
        click.echo("There are no such jobs.", err=True)
        return
    what = f"{act} {seen['summary']} {'job' if seen['summary'] == '1' else 'jobs'}"
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"This would {what}. Give --yes to do it, or --dry-run to see which.")
        _print_preview(seen, as_json=False)
        click.confirm(f"This will {what}. Go on?", abort=True, err=True)
    expect = seen["matched"] if seen["complete"] else None

    async def start(operations: OperationClient) -> View:
        ask = operations.retry if act == "retry" else operations.cancel
        return await ask(jobs, expect=expect, rate=rate, reason=reason)

    operation = _ask(access, start)
    if as_json:
        click.echo(_to_json(operation))
    else:
        _print_start(operation, what)


@click.group(cls=FullSummaries, invoke_without_command=True)
@json_option
@access_options
@click.pass_context
def operations(context: click.Context, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """List the last operations on many jobs; show or stop one of them.

    `cqworker jobs retry --filter` and `cqworker jobs cancel --filter` ask for one.
    """
    if context.invoked_subcommand is None:
        found = _ask((config, url, token), lambda operations: operations.latest())
        if as_json:
            click.echo(_to_json(found["operations"]))
        else:
            _print_operations(found["operations"])


@operations.command()
@click.argument("operation_id", metavar="ID")
@json_option
@access_options
def show(operation_id: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Tell how far the operation ID is."""
    _print_operation(_ask((config, url, token), lambda operations: operations.show(operation_id)), as_json=as_json)


@operations.command()
@click.argument("operation_id", metavar="ID")
@json_option
@access_options
def stop(operation_id: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Stop the operation ID; what it has done stays done."""
    _print_operation(_ask((config, url, token), lambda operations: operations.stop(operation_id)), as_json=as_json)


def _ask(access: Access, ask: Callable[[OperationClient], Awaitable[Answer]]) -> Answer:
    from cqworker.cli.job_access import open_transport
    from cqworker.client.operation_client import OperationClient

    async def act() -> Answer:
        async with open_transport(*access) as transport:
            return await ask(OperationClient(lambda: transport))

    return asyncio.run(act())


def _to_json(shown: object) -> str:
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _print_preview(seen: View, *, as_json: bool) -> None:
    from cqworker.cli.operation_text import describe_preview

    click.echo(_to_json(seen) if as_json else "\n".join(describe_preview(seen)))


def _print_operation(operation: View, *, as_json: bool) -> None:
    from cqworker.cli.operation_text import describe_operation

    click.echo(_to_json(operation) if as_json else "\n".join(describe_operation(operation)))


def _print_start(operation: View, what: str) -> None:
    name = operation["operation_id"]
    click.echo(f"Operation {name} will {what}, {operation['rate']} a second at most.")
    click.echo(f"`cqworker operations show {name}` tells how far it is, `cqworker operations stop {name}` stops it.")


def _print_operations(found: Sequence[View]) -> None:
    from cqworker.cli.operation_text import row_of
    from cqworker.cli.text_table import print_table

    if found:
        print_table(
            ("AS OF", "OPERATION", "ACT", "STATE", "DONE", "MATCHED", "BY", "ON"), [row_of(each) for each in found]
        )
    else:
        click.echo("There are no operations.", err=True)
