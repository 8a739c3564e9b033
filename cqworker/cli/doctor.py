"""`cqworker doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.options import config_option, json_option, role_option, settings_from
from cqworker.enums import ExitCode

if TYPE_CHECKING:
    from cqworker.aws.doctor import CheckResult
    from cqworker.settings import Settings


@click.command()
@config_option
@role_option
@click.option(
    "--records",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Look through so many records for jobs that are stuck; 0: through none.",
)
@json_option
def doctor(config: Path | None, roles: frozenset[str], records: int, as_json: bool) -> int:
    """Check that AWS, plugins and settings fit together; every call is harmless. Exit code 1 when there is an error."""
    settings = settings_from(config)
    from cqworker.cli.local_checks import check_locally
    from cqworker.plugins.registry import discover

    registry = discover(settings.handlers)
    found = list(check_locally(settings, roles, registry))
    found += asyncio.run(_inspect(settings, registry.largest_max_attempts, roles, records))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(result) for result in found], indent=2))
    else:
        _print(found)
    return ExitCode.FAILED if any(result.level == "error" for result in found) else ExitCode.DONE


async def _inspect(
    settings: Settings, largest_max_attempts: int, roles: frozenset[str], records: int
) -> list[CheckResult]:
    from cqworker.aws.clients import AwsClients
    from cqworker.aws.doctor import inspect
    from cqworker.clock import SystemClock
    from cqworker.events import ignore

    async with AwsClients(ignore, lean=False, bucket_owner=settings.artifacts.bucket_owner) as clients:
        return await inspect(clients, settings, largest_max_attempts, SystemClock(), roles=roles, records=records)


def _print(found: list[CheckResult]) -> None:
    colours = {"ok": "green", "info": "cyan", "warning": "yellow", "error": "red"}
    for result in found:
        click.echo(f"{click.style(f'{result.level:<8}', colours[result.level])}{result.subject}: {result.what}")
        if result.fix:
            click.echo(f"        {result.fix}")
    click.echo(f"{_count_text(found, 'error')}, {_count_text(found, 'warning')}.")


def _count_text(found: list[CheckResult], level: str) -> str:
    number = sum(result.level == level for result in found)
    return f"{number or 'no'} {level}{'' if number == 1 else 's'}"
