"""Settings from a file, the environment and flags: read, laid over one another, validated at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from cqworker.errors import ConfigurationError
from cqworker.settings.config_file import read_file
from cqworker.settings.environment import read_environment
from cqworker.settings.error_messages import faults_of
from cqworker.settings.layers import SettingValue, origin_of, tree_of
from cqworker.settings.schema import leaves
from cqworker.settings.settings import Settings

NO_OVERRIDES: Mapping[str, object] = {}
DEFAULT = "default"
"""The origin of what nobody set."""
FLAGS = {"log.level": "--log-level"}
"""Flags that are not called like the last part of their setting."""


def load_settings(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = NO_OVERRIDES
) -> Settings:
    """The settings: flags (`overrides`, keyed like "http.port") above the environment above the file above defaults.

    Raises ConfigurationError with every fault that was found.
    """
    values, faults = _gather(path, environ, overrides)
    try:
        settings = Settings.model_validate(tree_of(values))
    except ValidationError as error:
        faults += faults_of(error, values)
    else:
        if not faults:
            return settings
    raise ConfigurationError(*faults)


def sources(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object] = NO_OVERRIDES
) -> dict[tuple[str, ...], str]:
    """Where each setting comes from: a file's path, a variable, a flag, or "default"."""
    values, _ = _gather(path, environ, overrides)
    names = [name for name, _ in leaves()] + [value.path for value in values]
    return {name: origin_of(name, values, DEFAULT) for name in names}


def _gather(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> tuple[list[SettingValue], list[str]]:
    values: list[SettingValue] = []
    faults: list[str] = []
    if path is not None:
        try:
            values += read_file(path)
        except ConfigurationError as error:
            faults += error.faults
    from_environment, unknown = read_environment(environ)
    flags = [
        SettingValue(tuple(key.split(".")), value, _flag(key)) for key, value in overrides.items() if value is not None
    ]
    return [*values, *from_environment, *flags], [*faults, *unknown]


def _flag(key: str) -> str:
    return FLAGS.get(key) or "--" + key.rpartition(".")[2].replace("_", "-")
