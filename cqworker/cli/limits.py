"""`cqworker limits`: how the limits stand; one to set, to pause or to resume."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.options import access_options, json_option
from cqworker.cli.queues import lasts_option, pause_of, reason_option, span_of

if TYPE_CHECKING:
    from cqworker.client.job_types import View

KEY = "KEY"


def key_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which key: `type:…`, `queue:…`, `tenant:…`, or `key:…` of a tenant."""
    command = click.option("--tenant", default="default", help='Whose limit_key it is, for "key:…".')(command)
    return click.argument("key", metavar=KEY)(command)


def _parse_span(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    span = span_of(value)
    if span is not None and not span:
        raise click.BadParameter(f"{value!r} is over at once; leave it out for a limit without an end")
    return span


@click.group(cls=FullSummaries, invoke_without_command=True)
@json_option
@access_options
@click.pass_context
def limits(context: click.Context, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """List the limits over all workers and how they stand; set, pause or resume one.

    KEY is type:…, queue:…, tenant:… or key:… (a limit_key). Workers notice it within half a minute, and in ten seconds
    while they run jobs.
    """
    if context.invoked_subcommand is None:
        _list(as_json, config, url, token)


@limits.command("list")
@json_option
@access_options
def list_limits(as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """List the limits and how they stand."""
    _list(as_json, config, url, token)


@limits.command()
@key_arguments
@json_option
@access_options
def show(key: str, tenant: str, as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    """Show how the limit of KEY stands."""
    from cqworker.cli.workers import ask_fleet

    _told(as_json, ask_fleet(config, url, token, lambda fleet: fleet.limit(key, tenant=tenant)))


@limits.command("set")
@key_arguments
@click.option("--concurrency", type=click.IntRange(0, 100_000), help="Jobs that run at once on all workers; 0: none.")
@click.option("--rate", metavar="RATE", help="Starts in a time, such as 100/s, 30/m, 500/h or 1/d.")
@click.option("--burst", type=click.IntRange(1, 1_000_000), help="Starts at once after as long a pause.")
@click.option(
    "--for",
    "lasts",
    metavar="SPAN",
    callback=_parse_span,
    help="For how long, such as 30m, 2h or 7d, a concurrency of 0 at most 24h; else until it is resumed.",
)
@reason_option
@json_option
@access_options
def set_limit(
    key: str,
    tenant: str,
    concurrency: int | None,
    rate: str | None,
    burst: int | None,
    lasts: timedelta | None,
    reason: str,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
) -> None:
    """Give KEY another limit than the configuration does, for a time or until it is resumed."""
    from cqworker.cli.workers import ask_fleet

    if concurrency is None and rate is None:
        raise click.UsageError("Give --concurrency, --rate, or both.")
    wanted: dict[str, Any] = {"concurrency": concurrency, "rate": rate, "burst": burst, "lasts": lasts}
    _told(
        as_json,
        ask_fleet(config, url, token, lambda fleet: fleet.set_limit(key, tenant=tenant, reason=reason, **wanted)),
    )


@limits.command()
@key_arguments
@lasts_option
@reason_option
@json_option
@access_options
def pause(
    key: str,
    tenant: str,
    lasts: timedelta | None,
    reason: str,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
) -> None:
    """Start no job of KEY for a time; what runs is finished. It needs --for."""
    from cqworker.cli.workers import ask_fleet

    span = pause_of(lasts)
    _told(
        as_json,
        ask_fleet(config, url, token, lambda fleet: fleet.pause_limit(key, tenant=tenant, lasts=span, reason=reason)),
    )


@limits.command()
@key_arguments
@reason_option
@json_option
@access_options
def resume(
    key: str, tenant: str, reason: str, as_json: bool, config: Path | None, url: str | None, token: str | None
) -> None:
    """Limit KEY as the configuration says: ends a pause, and whatever was set."""
    from cqworker.cli.workers import ask_fleet

    _told(as_json, ask_fleet(config, url, token, lambda fleet: fleet.resume_limit(key, tenant=tenant, reason=reason)))


def _list(as_json: bool, config: Path | None, url: str | None, token: str | None) -> None:
    from cqworker.cli.fleet_text import to_json
    from cqworker.cli.limit_text import print_limits
    from cqworker.cli.workers import ask_fleet

    found = ask_fleet(config, url, token, lambda fleet: fleet.limits())
    if as_json:
        click.echo(to_json(found))
    else:
        print_limits(found)


def _told(as_json: bool, limit: View) -> None:
    from cqworker.cli.fleet_text import to_json
    from cqworker.cli.limit_text import limit_text

    click.echo(to_json(limit) if as_json else limit_text(limit))
