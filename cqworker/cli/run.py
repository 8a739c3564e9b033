"""`cqworker run`: the daemon."""

from __future__ import annotations

from pathlib import Path

import click

from cqworker.cli.options import config_option, role_option, settings_from
from cqworker.cli.posix_only import require_posix
from cqworker.enums import LEVELS


@click.command()
@config_option
@role_option
@click.option("--host", help="The address to listen on (http.host).")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on (http.port).")
@click.option("--concurrency", type=click.IntRange(min=1), help="Jobs at the same time (worker.concurrency).")
@click.option("--log-level", type=click.Choice(LEVELS), help="log.level")
def run(
    config: Path | None,
    roles: frozenset[str],
    host: str | None,
    port: int | None,
    concurrency: int | None,
    log_level: str | None,
) -> int:
    """Run the daemon until it is told to stop.

    Flags go before CQWORKER_ variables, these before the configuration file, this before the defaults.
    SIGTERM, SIGINT and SIGHUP drain; a second SIGTERM or SIGINT hands everything back at once.
    """
    require_posix()
    flags = {"http.host": host, "http.port": port, "worker.concurrency": concurrency, "log.level": log_level}
    settings = settings_from(config, flags)
    from cqworker.settings import check_exposure

    check_exposure(settings, roles)
    from cqworker.cli.event_loop import run_on_loop
    from cqworker.cli.process_exit import bound_daemon_exit
    from cqworker.daemon.lifecycle import run as run_daemon

    return run_on_loop(run_daemon(settings, roles, bound_exit=bound_daemon_exit))
