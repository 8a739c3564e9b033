"""`cqworker dev`: the daemon on an AWS of its own, which is forgotten at the end."""

from __future__ import annotations

import asyncio
import os
import shlex
from contextlib import AsyncExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.exit_codes import CommandUnavailable
from cqworker.cli.options import config_option, settings_from
from cqworker.cli.posix_only import require_posix
from cqworker.enums import ROLES

if TYPE_CHECKING:
    from cqworker.embedded import EmbeddedAws
    from cqworker.settings import Settings

EXPORTED = (
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "CQWORKER_AWS__BATCH_WRITES",
)
"""Variables that another terminal needs to reach this AWS."""
EXAMPLE = '{"type": "text.transform", "payload": {"text": "Hello from curl"}}'


@click.command()
@config_option
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on (http.port).")
def dev(config: Path | None, port: int | None) -> int:
    """Run the daemon on an embedded AWS, for development.

    Ctrl-C drains, a second one stops at once.
    """
    require_posix()
    settings = settings_from(config, {"http.port": port})
    from cqworker.cli.event_loop import run_on_loop
    from cqworker.settings import check_exposure

    check_exposure(settings, ROLES)
    return run_on_loop(run_dev(fit_embedded_aws(settings), config))


def fit_embedded_aws(settings: Settings) -> Settings:
    """The settings with what the embedded AWS needs.

    Receives wait a second at most, so that everything stops quickly, and writes are single: moto applies a batch's
    statements whatever their conditions say.
    """
    queues = tuple(queue.model_copy(update={"wait_time": 1}) for queue in settings.queues)
    aws = settings.aws.model_copy(update={"batch_writes": False})
    return settings.model_copy(update={"queues": queues, "aws": aws})


async def run_dev(settings: Settings, config: Path | None) -> int:
    """Start the AWS, provision it, run the daemon on it; the exit code is the daemon's."""
    async with AsyncExitStack() as stack:
        aws = await start_embedded_aws(stack)
        from cqworker.cli.features import FEATURES
        from cqworker.cli.process_exit import bound_daemon_exit
        from cqworker.cli.provision import provision_all, receive_counts
        from cqworker.daemon.lifecycle import run

        await provision_all(settings, receive_counts(settings), FEATURES)  # no older daemon is about here
        return await run(
            settings, ROLES, on_ready=partial(_print_instructions, aws, config), bound_exit=bound_daemon_exit
        )


async def start_embedded_aws(stack: AsyncExitStack) -> EmbeddedAws:
    """Start an AWS that ends with `stack`, and turn this process to it; the daemon is imported meanwhile.

    Raises CommandUnavailable where the extra is not installed or the AWS does not start.
    """
    from cqworker.embedded import EmbeddedAwsError, running_aws

    try:
        aws, _ = await asyncio.gather(
            stack.enter_async_context(running_aws()), asyncio.to_thread(import_module, "cqworker.daemon.lifecycle")
        )
    except EmbeddedAwsError as error:
        raise CommandUnavailable(f"{str(error)[0].upper()}{str(error)[1:]}") from error
    environment = aws.apply_to(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    return aws


def _print_instructions(aws: EmbeddedAws, config: Path | None, url: str) -> None:
    exports = {name: aws.environment[name] for name in EXPORTED}
    if config is not None:
        exports["CQWORKER_CONFIG"] = str(config.resolve())
    lines = [
        "",
        f"cqworker is ready at {url}, on an embedded AWS at {aws.endpoint_url}. Submit a job:",
        "",
        f"  curl -s {url}/jobs -H 'Content-Type: application/json' -d '{EXAMPLE}'",
        "",
        "In another terminal, `cqworker submit`, `jobs` and `doctor` work after these lines:",
        "",
        *(f"  export {name}={shlex.quote(value)}" for name, value in exports.items()),
        "",
        "Ctrl-C drains and stops, a second one stops at once; everything here is forgotten then.",
        "",
    ]
    click.echo("\n".join(lines), err=True)
