"""The commands that run a worker, on a system where none runs."""

from __future__ import annotations

from cqworker.cli.exit_codes import Unusable
from cqworker.posix import DAEMON_NEEDS_POSIX, is_posix


def require_posix() -> None:
    """Raises Unusable, with what works here and where the daemon does."""
    if not is_posix():
        raise Unusable(DAEMON_NEEDS_POSIX)
