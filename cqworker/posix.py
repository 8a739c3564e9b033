"""Whether the system has what the daemon and the child processes of handlers need, and Windows lacks."""

from __future__ import annotations

import os
import signal

DAEMON_NEEDS_POSIX = (
    "The daemon needs POSIX (Linux, macOS), which this system is not: what works here, on Windows too, is "
    "cqworker.client, writing handlers and testing them (cqworker.testing), and the commands submit, jobs, handlers, "
    "config, doctor and provision; run the daemon in WSL 2 or in a container."
)
"""Why a daemon does not start on Windows."""
CHILDREN_NEED_POSIX = (
    "Child processes of handlers need POSIX (Linux, macOS), which this system is not: handlers on the loop and in "
    "threads work here; try those in a process in WSL 2 or in a container."
)
"""Why a handler's process does not start on Windows."""


def is_posix() -> bool:
    """Whether the signals, processes and limits are there that the daemon works with."""
    return hasattr(signal, "SIGHUP") and hasattr(os, "fork") and _has_limits()


def _has_limits() -> bool:
    try:
        import resource  # noqa: F401 - whether it can be is the question
    except ImportError:
        return False
    return True
