"""`cqworker config`: the configuration that applies here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cqworker.cli.full_summaries import FullSummaries
from cqworker.cli.options import config_option, json_option, settings_from

if TYPE_CHECKING:
    from cqworker.settings import Settings

HIDDEN_VALUE = "(hidden)"


@click.group(cls=FullSummaries)
def config() -> None:
    """See the configuration that applies."""


@config.command()
@config_option
@json_option
@click.option("--sources", "with_sources", is_flag=True, help="Say of each value which file or variable it is from.")
def show(config: Path | None, as_json: bool, with_sources: bool) -> None:
    """Print the effective configuration as TOML; the tokens' hashes are hidden."""
    from cqworker.cli.toml_writer import toml_lines

    settings = settings_from(config)
    origins = _origins(config) if with_sources else {}
    values = _visible_values(settings)
    if as_json:
        named = {".".join(path): origin for path, origin in origins.items()}
        click.echo(json.dumps({**values, "sources": named} if with_sources else values, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(toml_lines(values, lambda path: _origin_of(path, origins))).strip())


def _origins(config: Path | None) -> dict[tuple[str, ...], str]:
    from cqworker.settings import find_file, sources

    return sources(find_file(config, os.environ), os.environ)


def _visible_values(settings: Settings) -> dict[str, Any]:
    values = settings.model_dump(mode="json")
    for token in values["http"]["tokens"]:
        token["sha256"] = HIDDEN_VALUE
    return values


def _origin_of(path: tuple[str, ...], origins: dict[tuple[str, ...], str]) -> str:
    """The origin of the value itself; inside lists, which come from one place, there is none."""
    return origins.get(path, "")
