"""The very end of the process, which a thread that somebody left hanging would put off for ever."""

from __future__ import annotations

import atexit
import os
import sys
import threading

PATIENCE = 1.0
"""Seconds for threads to end once the command is done."""


def bound_the_wait_for_threads(code: int) -> None:
    """The interpreter waits for threads that are no daemons, and for all of `asyncio.to_thread`: now not for long.

    Handlers start them, and nothing can stop them. What is registered with atexit comes after that wait, and has all
    the time it takes.
    """
    if _others():
        last = threading.Timer(PATIENCE, _leave, (code,))
        last.daemon = True
        last.start()
        atexit.register(last.cancel)


def _others() -> list[str]:
    """The names of all threads but the main one and this one."""
    own = (threading.main_thread(), threading.current_thread())
    return sorted(thread.name for thread in threading.enumerate() if thread not in own)


def _leave(code: int) -> None:
    sys.stderr.write(f"cqworker: left behind threads that would not end: {', '.join(_others())}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
