"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cqworker.enums import Role

if TYPE_CHECKING:
    from cqworker.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])
Value = TypeVar("Value")


def _parse_roles(_ctx: click.Context, _param: click.Parameter, value: str) -> frozenset[Role]:
    roles = frozenset(role.strip() for role in value.split(",") if role.strip())
    strange = ", ".join(sorted(roles - set(Role)))
    if strange or not roles:
        raise click.BadParameter(f"{strange or 'nothing'!r} is no role; there are {' and '.join(Role)}")
    return frozenset(map(Role, roles))


def refuse_empty(_ctx: click.Context, param: click.Parameter, value: Value) -> Value:
    """The value itself. Raises UsageError for an empty text: mostly a shell variable that was not set."""
    if value is not None and "" in (value if isinstance(value, tuple) else (value,)):
        raise click.UsageError(f"{param.opts[0]} is empty: give it a text, or leave the option out.")
    return value


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file; else CQWORKER_CONFIG, else /etc/cqworker/cqworker.toml where it exists.",
)
role_option = click.option(
    "--role",
    "roles",
    default=",".join(Role),
    show_default=True,
    callback=_parse_roles,
    help="worker runs jobs, api serves HTTP.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def _parse_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value and not value.startswith(("http://", "https://")):
        raise click.BadParameter(f"{value!r} is no URL; write it like http://127.0.0.1:8080")
    return value.rstrip("/") if value else None


def access_options(function: Function) -> Function:
    """--config, --url and --token: how the command reaches jobs."""
    token = click.option(
        "--token", envvar="CQWORKER_TOKEN", help="The daemon's bearer token; better in CQWORKER_TOKEN, which ps hides."
    )
    url = click.option(
        "--url",
        envvar="CQWORKER_URL",
        callback=_parse_url,
        help="Ask this daemon, such as http://127.0.0.1:8080, instead of AWS; else CQWORKER_URL.",
    )
    return config_option(url(token(function)))


def settings_from(config: Path | None, overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings that apply here. Raises ConfigurationError with every fault."""
    from cqworker.settings import find_file, load_settings

    return load_settings(find_file(config, os.environ), os.environ, overrides or {})
