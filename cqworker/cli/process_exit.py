"""The very end of the process, which a thread or a task that would not end could put off for ever."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress

THREADS_SECONDS = 1.0
"""Seconds for threads to end once the command is done: a supervisor is counting."""
EXIT_THREAD = "last moment"
"""The name of the thread that ends the process."""
_codes: list[int] = []


def limit_wait_for_threads(code: int) -> None:
    """The interpreter waits for threads that are no daemons, and for all of `asyncio.to_thread`: now not for long.

    Handlers start them, and nothing can stop them. What is registered with atexit comes after that wait, and has all
    the time it takes.
    """
    if _codes:
        _codes[:] = [code]
    if _other_threads():
        exit_within(code, THREADS_SECONDS)


def skip_teardown() -> None:
    """Called first of all: at the exit it comes after everything else that is registered for it.

    A daemon ends there. What Python would tear down now goes with the process; it costs a quarter of a second of CPU,
    while a supervisor counts, and libraries wait in it: libuv for a look-up that no name server answers.
    """
    atexit.register(_exit_if_daemon)


def bound_daemon_exit(code: int, seconds: float) -> None:
    """The daemon's part is done: so many seconds from now the process ends with `code` at the latest."""
    _codes.append(code)
    exit_within(code, seconds)


def exit_within(code: int, seconds: float) -> None:
    """So many seconds from now the process ends with `code`, whatever its loop or a thread still waits for.

    The first call counts.
    """
    if any(thread.name == EXIT_THREAD for thread in threading.enumerate()):
        return
    last = threading.Timer(seconds, _exit_with_message, (code,))
    last.name, last.daemon = EXIT_THREAD, True
    with suppress(RuntimeError):  # there is no thread left for it
        last.start()
        atexit.register(last.cancel)


def _other_threads() -> list[str]:
    """The names of all threads but the main one and this one."""
    own = (threading.main_thread(), threading.current_thread())
    return sorted(thread.name for thread in threading.enumerate() if thread not in own)


def _exit_if_daemon() -> None:
    if _codes:
        _exit(_codes[0])


def _exit_with_message(code: int) -> None:
    names = ", ".join(_other_threads())
    what = f"threads that would not end: {names}" if names else "work that would not end"
    with suppress(Exception):  # nobody may be listening any more
        sys.stderr.write(f"cqworker: left behind {what}\n")
    _exit(code)


def _exit(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, broken, full, or there is none
            stream.flush()
    os._exit(code)
