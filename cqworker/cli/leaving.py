"""The very end of the process, which a thread that somebody left hanging would put off for ever."""

from __future__ import annotations

import atexit
import os
import sys
import threading

PATIENCE = 1.0
"""Seconds for threads to end once the command is done."""


def bound_the_wait_for_threads(code: int) -> None:
    """The interpreter waits for each thread that is no daemon, such as those of `asyncio.to_thread`: not for long.

    Handlers start them, and nothing can stop them. What is registered with atexit comes after that wait, and has all
    the time it takes.
    """
    if any(_is_waited_for(thread) for thread in threading.enumerate()):
        last = threading.Timer(PATIENCE, _leave, (code,))
        last.daemon = True
        last.start()
        atexit.register(last.cancel)


def _is_waited_for(thread: threading.Thread) -> bool:
    return not thread.daemon and thread is not threading.main_thread()


def _leave(code: int) -> None:
    names = ", ".join(sorted(thread.name for thread in threading.enumerate() if _is_waited_for(thread)))
    sys.stderr.write(f"cqworker: left behind threads that would not end: {names}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
