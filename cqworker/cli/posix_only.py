"""The commands that run a worker, on a system where none runs."""

from __future__ import annotations

from cqworker.cli.exit_codes import CommandUnavailable
from cqworker.posix import DAEMON_NEEDS_POSIX, is_posix


def require_posix() -> None:
    """Raises CommandUnavailable, with what works here and where the daemon does."""
    if not is_posix():
        raise CommandUnavailable(DAEMON_NEEDS_POSIX)
