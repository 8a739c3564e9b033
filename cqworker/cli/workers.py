"""`cqworker workers`: who works in the fleet, and one of them to rest, to go on or to leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.options import access_options, json_option

if TYPE_CHECKING:
    from cqworker.client.fleet_client import FleetClient
    from cqworker.client.job_types import View

Answer = TypeVar("Answer")


@click.group(cls=FullSummaries, invoke_without_command=True)
@json_option
@access_options
@click.pass_context
def workers(context: click.Context, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """List the workers of the fleet; quiet, resume or drain one of them.

    A command is heard with the worker's next heartbeat: within a minute, and in ten seconds while somebody looks.
    """
    if context.invoked_subcommand is None:
        from cqworker.cli.fleet_text import print_workers, to_json

        found = ask_fleet(config, url, token, lambda fleet: fleet.workers())
        if as_json:
            click.echo(to_json(found))
        else:
            print_workers(found)


@workers.command()
@click.option(
    "--days", type=click.IntRange(1, 31), default=1, show_default=True, help="Days of the workers that are gone."
)
@json_option
@access_options
def counts(days: int, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Count the fleet's jobs by type and outcome, about right and without any scan."""
    from cqworker.cli.fleet_text import print_counts, to_json

    counted = ask_fleet(config, url, token, lambda fleet: fleet.counts(days=days))
    if as_json:
        click.echo(to_json(counted))
    else:
        print_counts(counted)


@workers.command()
@click.argument("worker", metavar="ID")
@json_option
@access_options
def quiet(worker: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Have the worker ID receive nothing more; what it runs is finished."""
    _order(as_json, ask_fleet(config, url, token, lambda fleet: fleet.quiet(worker)))


@workers.command()
@click.argument("worker", metavar="ID")
@json_option
@access_options
def resume(worker: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Have the worker ID receive again."""
    _order(as_json, ask_fleet(config, url, token, lambda fleet: fleet.resume(worker)))


@workers.command()
@click.argument("worker", metavar="ID")
@json_option
@access_options
def drain(worker: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Have the worker ID finish and leave with exit code 0, as SIGTERM has it."""
    _order(as_json, ask_fleet(config, url, token, lambda fleet: fleet.drain(worker)))


def ask_fleet(
    config: Path | None, url: str | None, token: str | None, ask: Callable[[FleetClient], Awaitable[Answer]]
) -> Answer:
    """What the fleet answers, through a daemon or on AWS itself."""
    from cqworker.cli.job_access import open_transport
    from cqworker.client.fleet_client import FleetClient

    async def act() -> Answer:
        async with open_transport(config, url, token) as transport:
            return await ask(FleetClient(lambda: transport))

    return asyncio.run(act())


def _order(as_json: bool, worker: View) -> None:
    from cqworker.cli.fleet_text import to_json

    told = f"{worker['worker']} was asked to {worker['command']}; it hears of it with its next heartbeat."
    click.echo(to_json(worker) if as_json else told)
