"""`cqworker queues`: how the queues stand, and one of them to pause, to take no new jobs, or to run as usual."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.options import access_options, json_option
from cqworker.model.start_times import span_seconds

if TYPE_CHECKING:
    from cqworker.client.job_types import View

MOST = timedelta(hours=24)
"""The longest pause."""


def _parse_pause(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    span = span_of(value)
    if span is not None and not timedelta() < span <= MOST:
        raise click.BadParameter(f"{value!r} is not within 24h; what nobody lifts is an outage")
    return span


def pause_of(lasts: timedelta | None) -> timedelta:
    """What --for gave. Raises UsageError: a pause has an end."""
    if lasts is None:
        raise click.UsageError("A pause needs an end, for one that nobody lifts is an outage: give --for, as in 30m.")
    return lasts


def span_of(value: str | None) -> timedelta | None:
    """The time that is written so, with its units. Raises BadParameter."""
    try:
        return None if value is None else timedelta(seconds=span_seconds(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no span of time; write it like 90s, 30m or 2h") from None


lasts_option = click.option(
    "--for", "lasts", metavar="SPAN", callback=_parse_pause, help="For how long, such as 90s, 30m or 2h; at most 24h."
)
reason_option = click.option("--reason", default="", help="Why, for whoever looks.")


@click.group(cls=FullSummaries, invoke_without_command=True)
@json_option
@access_options
@click.pass_context
def queues(context: click.Context, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """List the queues and how they stand; pause, drain or resume one of them.

    Workers notice it within half a minute, and in ten seconds while they run jobs.
    """
    if context.invoked_subcommand is None:
        from cqworker.cli.fleet_text import print_queues, to_json
        from cqworker.cli.workers import ask_fleet

        found = ask_fleet(config, url, token, lambda fleet: fleet.queues())
        if as_json:
            click.echo(to_json(found))
        else:
            print_queues(found)


@queues.command()
@click.argument("queue", metavar="NAME")
@lasts_option
@reason_option
@json_option
@access_options
def pause(
    queue: str,
    lasts: timedelta | None,
    reason: str,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
) -> None:
    """Receive nothing more from the queue NAME for a time; what runs is finished. It needs --for."""
    from cqworker.cli.workers import ask_fleet

    span = pause_of(lasts)
    _told(as_json, ask_fleet(config, url, token, lambda fleet: fleet.pause_queue(queue, lasts=span, reason=reason)))


@queues.command()
@click.argument("queue", metavar="NAME")
@lasts_option
@reason_option
@json_option
@access_options
def drain(
    queue: str,
    lasts: timedelta | None,
    reason: str,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
) -> None:
    """Accept no new jobs for the queue NAME, for a time or until it is resumed; workers go on."""
    from cqworker.cli.workers import ask_fleet

    _told(as_json, ask_fleet(config, url, token, lambda fleet: fleet.drain_queue(queue, lasts=lasts, reason=reason)))


@queues.command()
@click.argument("queue", metavar="NAME")
@reason_option
@json_option
@access_options
def resume(queue: str, reason: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Have the queue NAME run as usual."""
    from cqworker.cli.workers import ask_fleet

    _told(as_json, ask_fleet(config, url, token, lambda fleet: fleet.resume_queue(queue, reason=reason)))


def _told(as_json: bool, queue: View) -> None:
    from cqworker.cli.fleet_text import queue_text, to_json

    click.echo(to_json(queue) if as_json else queue_text(queue))
