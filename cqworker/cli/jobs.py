"""`cqworker jobs`: find jobs; show, retry and cancel one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.job_lists import count, list_jobs
from cqworker.cli.options import access_options, json_option

if TYPE_CHECKING:
    from cqworker.client.job_types import View
    from cqworker.client.transport import Transport


@click.group()
def jobs() -> None:
    """List, count, show, retry and cancel jobs."""


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
@click.argument("job_id", metavar="ID")
@json_option
@access_options
def retry(job_id: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Run the job ID again: a new round where it FAILED or was CANCELLED, a new message where it is stuck."""
    _print(_ask(config, url, token, lambda jobs: jobs.retry(job_id, None)), as_json)


@jobs.command()
@click.argument("job_id", metavar="ID")
@json_option
@access_options
def cancel(job_id: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Cancel the job ID: at once where it waits, through its worker where it runs."""
    _print(_ask(config, url, token, lambda jobs: jobs.cancel(job_id)), as_json)


def _ask(config: Path | None, url: str | None, token: str | None, ask: Callable[[Transport], Awaitable[View]]) -> View:
    from cqworker.cli.job_access import open_transport

    async def act() -> View:
        async with open_transport(config, url, token) as transport:
            return await ask(transport)

    return asyncio.run(act())


def _print(job: View, as_json: bool) -> None:
    from cqworker.cli.job_text import describe_job

    click.echo(json.dumps(job, ensure_ascii=False, indent=2) if as_json else "\n".join(describe_job(job)))
