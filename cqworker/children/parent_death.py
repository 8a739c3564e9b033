"""Ends a child with the process that it works for."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1
"""The option of prctl(2) that asks for a signal when the parent dies."""


def die_with_parent(parent: int, line: int) -> None:
    """Ends this process as soon as `parent`, which started it, is gone; `line` is the socket between the two.

    On Linux by the kernel, which goes by the *thread* that started this process: it lives until this one was reaped.
    Elsewhere, and where the kernel refuses, by a thread that watches the line: it breaks when the parent dies.
    """
    if not _ask_kernel():
        threading.Thread(target=_exit_with_line, args=(line,), name="watch", daemon=True).start()
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _ask_kernel() -> bool:
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def _exit_with_line(line: int) -> None:
    """The other end is held by the parent alone; asking for no event, a poll tells of nothing but its end."""
    watch = select.poll()
    watch.register(line, 0)
    watch.poll()
    os._exit(1)
