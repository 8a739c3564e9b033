"""`cqworker handlers`: the job types that are installed, and the plugins that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.options import config_option, json_option, settings_from
from cqworker.enums import ExitCode
from cqworker.model.unique import unique_terms

if TYPE_CHECKING:
    from cqworker.plugins.loaded_handlers import BrokenPlugin, Handler
    from cqworker.plugins.registry import Registry

HEADINGS = ("TYPE", "FROM", "ORIGIN", "EXECUTOR", "TIMEOUT", "ATTEMPTS", "QUEUE", "DESCRIPTION")


@click.group(cls=FullSummaries)
def handlers() -> None:
    """See the job types that are installed."""


@handlers.command(name="list")
@config_option
@json_option
@click.option("--strict", is_flag=True, help="Exit 1 when a plugin cannot be used.")
def list_(config: Path | None, as_json: bool, strict: bool) -> int:
    """List the job types, where each comes from, and what is broken and how to mend it."""
    settings = settings_from(config)
    from cqworker.plugins.registry import discover

    registry = discover(settings.handlers)
    first_queue = settings.queues[0].name
    if as_json:
        click.echo(json.dumps(_as_data(registry, first_queue), ensure_ascii=False, indent=2))
    else:
        _print(registry, first_queue)
    return ExitCode.FAILED if strict and registry.broken else ExitCode.DONE


def _print(registry: Registry, first_queue: str) -> None:
    from cqworker.cli.text_table import print_table

    usable = [registry.handlers[name] for name in sorted(registry.handlers)]
    if usable:
        print_table(HEADINGS, [_row(handler, first_queue) for handler in usable])
    else:
        click.echo("No job types are installed: install a distribution with an entry point in cqworker.handlers.")
    for plugin in registry.broken:
        click.echo(f"BROKEN {plugin.type} ({_whose(plugin)}): {plugin.cause} {plugin.remedy}")


def _row(handler: Handler, first_queue: str) -> tuple[str, ...]:
    return (
        handler.type,
        f"{handler.distribution} {handler.version}",
        handler.origin,
        handler.executor,
        f"{handler.timeout:g} s",
        str(handler.max_attempts),
        handler.queue or first_queue,
        handler.description or "",
    )


def _whose(plugin: BrokenPlugin) -> str:
    return ", ".join(filter(None, (plugin.origin, plugin.distribution)))


def _as_data(registry: Registry, first_queue: str) -> dict[str, object]:
    broken = [
        {
            "type": plugin.type,
            "origin": plugin.origin,
            "distribution": plugin.distribution,
            "cause": plugin.cause,
            "remedy": plugin.remedy,
        }
        for plugin in registry.broken
    ]
    usable = [_handler_data(registry.handlers[name], first_queue) for name in sorted(registry.handlers)]
    return {"handlers": usable, "broken": broken}


def _handler_data(handler: Handler, first_queue: str) -> dict[str, object]:
    return {
        "type": handler.type,
        "description": handler.description,
        "distribution": handler.distribution,
        "version": handler.version,
        "origin": handler.origin,
        "executor": handler.executor,
        "memory": handler.memory,
        "timeout": handler.timeout,
        "max_attempts": handler.max_attempts,
        "concurrency": handler.concurrency,
        "queue": handler.queue or first_queue,
        "unique": unique_terms(handler.unique),
        "payload_schema": handler.payload_schema,
        "result_schema": handler.result_schema,
    }
