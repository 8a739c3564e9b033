"""Which version may come next, and the files that name it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from tools.release import ReleaseRefusedError

VERSION_LINE = re.compile(r'(?m)^version = "([^"]+)"$')
WORKER_REQUIREMENT = re.compile(r'"cqworker>=[^"]*"')
UNRELEASED = re.compile(r"(?ms)^## Unreleased\n(.*?)(?=^## |\Z)")
RELEASED = re.compile(r"(?m)^## (\d\S*) - \d{4}-\d\d-\d\d$")


def parse(text: str) -> Version:
    """The version that `text` names. Raises ReleaseRefusedError unless it is in PEP 440's own form, as in 1.2.0rc1."""
    try:
        version = Version(text)
    except InvalidVersion:
        raise ReleaseRefusedError(f"{text!r} is no version (PEP 440): name one such as 0.2.0") from None
    if str(version) != text or version.local:
        raise ReleaseRefusedError(f"write {text!r} as {version.public}")
    return version


def require_newer(version: Version, project: str, released: Iterable[Version]) -> None:
    """Raises ReleaseRefusedError unless it is newer than all `released` and no older than what `project` names.

    `project` is the text of pyproject.toml: its version may be the one that is being worked on, never released yet.
    """
    last = max(released, default=None)
    if last is not None and version <= last:
        raise ReleaseRefusedError(f"{version} is not newer than {last}, which is released")
    current = VERSION_LINE.search(project)
    if current is not None and version < Version(current[1]):
        raise ReleaseRefusedError(f"{version} is older than {current[1]}, which pyproject.toml names")


def versions_in(changelog: str) -> list[Version]:
    """The versions that have a section with a date."""
    return [Version(name) for name in RELEASED.findall(changelog)]


def with_section(changelog: str, version: Version, day: str) -> str:
    """The CHANGELOG with what was unreleased under `version` and `day` (YYYY-MM-DD), and nothing unreleased.

    Raises ReleaseRefusedError where nothing stands under Unreleased.
    """
    unreleased = UNRELEASED.search(changelog)
    if unreleased is None or not re.search(r"(?m)^- ", unreleased[1]):
        raise ReleaseRefusedError('CHANGELOG.md has nothing under "## Unreleased": say there what the release brings')
    heading = f"## Unreleased\n\n## {version} - {day}\n"
    return changelog[: unreleased.start()] + heading + changelog[unreleased.start(1) :]


def with_version(project: str, version: Version) -> str:
    """A pyproject.toml that names `version`, and, where it requires the worker, the releases compatible with it.

    Those are the ones of the same major version, or of the same minor version before 1.0 (https://semver.org, 4).
    """
    following = f"{version.major + 1}" if version.major else f"0.{version.minor + 1}"
    wanted = f'"cqworker>={version if version.is_prerelease else f"{version.major}.{version.minor}"},<{following}"'
    return WORKER_REQUIREMENT.sub(wanted, VERSION_LINE.sub(f'version = "{version}"', project, count=1))
