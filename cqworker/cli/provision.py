"""`cqworker provision`: the table, the queues and the bucket."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.features import FEATURES
from cqworker.cli.options import config_option, json_option, settings_from

if TYPE_CHECKING:
    from cqworker.aws.provision import Step
    from cqworker.settings import Settings


@click.command()
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Change nothing, show what would be done.")
@click.option(
    "--enable",
    "enabled",
    multiple=True,
    type=click.Choice(FEATURES),
    help="What to accept from now on, once every daemon of the fleet is of this version; may be repeated.",
)
def provision(config: Path | None, as_json: bool, dry_run: bool, enabled: tuple[str, ...]) -> None:
    """Create or mend table, queues and bucket; what is right already is left alone."""
    settings = settings_from(config)
    steps = asyncio.run(provision_all(settings, receive_counts(settings), enabled, dry_run=dry_run))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(step) for step in steps], indent=2))
        return
    for step in steps:
        action = f"would be {step.action}" if dry_run and step.action != "unchanged" else step.action
        detail = f" ({step.detail})" if step.detail else ""
        click.echo(f"{step.what} {step.name}: {action}{detail}")


def receive_counts(settings: Settings) -> dict[str, int]:
    """The maxReceiveCount of each queue by its name, for the job types that are installed."""
    from cqworker.plugins.registry import discover
    from cqworker.settings import max_receive_count_of

    largest = discover(settings.handlers).largest_max_attempts
    return {queue.name: max_receive_count_of(queue, largest) for queue in settings.queues}


async def provision_all(
    settings: Settings, counts: dict[str, int], enabled: Sequence[str] = (), *, dry_run: bool = False
) -> list[Step]:
    """Create or mend everything; `counts` are the maxReceiveCounts by queue. Returns every step, in order.

    `enabled` are the features that every daemon knows from now on.

    Raises Unavailable where AWS does not answer or refuses.
    """
    from cqworker.aws.clients import AwsClients
    from cqworker.aws.provision import enable
    from cqworker.aws.provision import provision as provision_aws
    from cqworker.events import ignore

    async with AwsClients(ignore, lean=False, bucket_owner=settings.artifacts.bucket_owner) as clients:
        steps = await provision_aws(clients, settings, counts, dry_run=dry_run)
        return steps + await enable(clients, settings.store.table, enabled, dry_run=dry_run)
