"""The configuration file: found, read, taken apart."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from cqworker.errors import ConfigurationError
from cqworker.settings.layers import SettingValue, flatten

DEFAULT_FILE = Path("/etc/cqworker/cqworker.toml")
"""The file that is read where it exists and no other is named."""


def find_file(option: Path | None, environ: Mapping[str, str], default: Path = DEFAULT_FILE) -> Path | None:
    """The file to read: as asked by flag, else by CQWORKER_CONFIG, else the default one where it exists, else none."""
    if option is not None:
        return option
    if environ.get("CQWORKER_CONFIG"):
        return Path(environ["CQWORKER_CONFIG"])
    return default if default.exists() else None


def read_file(path: Path) -> list[SettingValue]:
    """The values in the TOML file at `path`. Raises ConfigurationError where it cannot be read."""
    try:
        return list(flatten((), tomllib.loads(path.read_text(encoding="utf-8")), str(path)))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}. Check the path and its mode.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}. Correct that line.") from error
