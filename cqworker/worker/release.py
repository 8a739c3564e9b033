"""Which release runs here."""

from __future__ import annotations

from functools import cache
from importlib import metadata


def release_of(configured: str | None) -> str:
    """The release as the settings name it, else cqworker's version."""
    return configured or _own_version()


@cache
def _own_version() -> str:
    try:
        return metadata.version("cqworker")
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        return "0"
