"""`cqworker jobs`: find jobs; show and put off one; retry and cancel one or many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.job_lists import count, list_jobs
from cqworker.cli.operations import Access, act_on_many, many_options
from cqworker.cli.options import access_options, json_option
from cqworker.cli.priority_option import Priority
from cqworker.cli.time_options import time_options

if TYPE_CHECKING:
    from cqworker.client.job_types import View
    from cqworker.client.transport import Transport


@click.group(cls=FullSummaries)
def jobs() -> None:
    """List, count, show, retry and cancel jobs, and say when they start."""


jobs.add_command(list_jobs)
jobs.add_command(count)


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
@access_options
def show(job_id: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Tell how the job ID stands and what happened to it, in order."""
    _print(_ask(config, url, token, lambda jobs: jobs.show(job_id)), as_json)


@jobs.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@many_options
@json_option
@access_options
def retry(
    job_ids: tuple[str, ...], as_json: bool, config: Path | None, url: str | None, token: str | None, **more: Any
) -> None:
    """Run the job ID again: a new round where it FAILED or was CANCELLED, a new message where it is stuck.

    With --filter, or several IDs, it is done to all of them by an operation (`cqworker operations`).
    """
    if (job_id := _only(job_ids, more)) is not None:
        _print(_ask(config, url, token, lambda jobs: jobs.retry(job_id, None)), as_json)
    else:
        _act_on_many("retry", job_ids, (config, url, token), as_json=as_json, **more)


@jobs.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@many_options
@json_option
@access_options
def cancel(
    job_ids: tuple[str, ...], as_json: bool, config: Path | None, url: str | None, token: str | None, **more: Any
) -> None:
    """Cancel the job ID: at once where it waits, through its worker where it runs.

    With --filter, or several IDs, it is done to all of them by an operation (`cqworker operations`).
    """
    if (job_id := _only(job_ids, more)) is not None:
        _print(_ask(config, url, token, lambda jobs: jobs.cancel(job_id)), as_json)
    else:
        _act_on_many("cancel", job_ids, (config, url, token), as_json=as_json, **more)


@jobs.command()
@click.argument("job_id", metavar="ID")
@time_options
@click.option("--reason", default="", help="Why, for the job's history.")
@json_option
@access_options
def reschedule(
    job_id: str,
    run_at: str | None,
    delay_seconds: int | None,
    reason: str,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
) -> None:
    """Give the job ID, which waits, another time: --at or --in."""
    if run_at is None and delay_seconds is None:
        raise click.UsageError("Say when it shall start: --at=TIME, or --in=SPAN. `cqworker jobs run-now ID` is now.")
    asked = {"run_at": run_at} if run_at is not None else {"delay_seconds": delay_seconds}
    body = json.dumps(asked | ({"reason": reason} if reason else {})).encode()
    _print(_ask(config, url, token, lambda jobs: jobs.reschedule(job_id, body)), as_json)


@jobs.command()
@click.argument("job_id", metavar="ID")
@click.argument("level", metavar="LEVEL", type=Priority())
@click.option("--reason", default="", help="Why, for the job's history.")
@json_option
@access_options
def priority(
    job_id: str, level: str | int, reason: str, as_json: bool, config: Path | None, url: str | None, token: str | None
) -> None:
    """Give the job ID, which waits, another level of its queue: such as high, or 0 to 9, the most urgent."""
    body = json.dumps({"priority": level} | ({"reason": reason} if reason else {})).encode()
    _print(_ask(config, url, token, lambda jobs: jobs.reprioritise(job_id, body)), as_json)


@jobs.command("run-now")
@click.argument("job_id", metavar="ID")
@json_option
@access_options
def run_now(job_id: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Start the job ID, which waits, as soon as a worker is free."""
    _print(_ask(config, url, token, lambda jobs: jobs.run_now(job_id)), as_json)


def _only(job_ids: tuple[str, ...], more: Mapping[str, Any]) -> str | None:
    """The one job that is meant, where nothing is said that is for many."""
    is_for_many = any(said for name, said in more.items() if name != "yes")
    return job_ids[0] if len(job_ids) == 1 and not is_for_many else None


def _act_on_many(act: str, job_ids: tuple[str, ...], access: Access, *, chosen: Mapping[str, str], **more: Any) -> None:
    """Raises UsageError where no jobs are said, or some in both ways."""
    if bool(job_ids) == bool(chosen):
        both = "Give either IDs or --filter, not both." if chosen else "Say which: the job's ID, several, or --filter."
        raise click.UsageError(
            f"{both} `cqworker jobs {act} --filter status=FAILED --dry-run` shows what it would take."
        )
    act_on_many(act, chosen or job_ids, access, **more)


def _ask(config: Path | None, url: str | None, token: str | None, ask: Callable[[Transport], Awaitable[View]]) -> View:
    from cqworker.cli.job_access import open_transport

    async def act() -> View:
        async with open_transport(config, url, token) as transport:
            return await ask(transport)

    return asyncio.run(act())


def _print(job: View, as_json: bool) -> None:
    from cqworker.cli.job_text import describe_job

    click.echo(json.dumps(job, ensure_ascii=False, indent=2) if as_json else "\n".join(describe_job(job)))
