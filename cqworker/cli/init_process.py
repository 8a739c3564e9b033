"""The first process of a container (PID 1), to which the kernel gives every process whose parent has died."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

UNFORWARDED = {
    getattr(signal, name)
    for name in "SIGKILL SIGSTOP SIGSEGV SIGBUS SIGFPE SIGILL SIGABRT SIGTRAP SIGSYS".split()
    if hasattr(signal, name)
}
"""Signals that cannot be forwarded, or that a process raises by a fault of its own."""
KILLED_BASE = 128
"""What a shell adds to the number of the signal that ended a process, as bash does (POSIX: above 128)."""


def become_init_if_first() -> None:
    """As PID 1, works in a child, and reaps here the orphans of programs that handlers start; else does nothing."""
    if os.getpid() == 1:
        become_init()


def become_init() -> None:
    """Returns in a child, which does the work; the process itself forwards signals to it, reaps, and exits as it does.

    So no exit status is taken from anybody: programs that the work itself starts are that child's, not ours.
    """
    forwarded = signal.valid_signals() - UNFORWARDED
    before = signal.pthread_sigmask(signal.SIG_BLOCK, forwarded)
    child = os.fork()
    if child:
        os._exit(_wait_for_exit_code(child, forwarded))
    _take_foreground()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _take_foreground() -> None:
    """A terminal's Ctrl-C is for the work alone: handed on as well, it would be a second one, which means stop now."""
    in_front = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    os.setpgid(0, 0)
    if in_front:
        with suppress(OSError):  # SIGTTOU is blocked: a group that is not in front may do this
            os.tcsetpgrp(0, os.getpgrp())


def _wait_for_exit_code(child: int, forwarded: set[signal.Signals]) -> int:
    while True:
        number = signal.sigwait(forwarded)
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):
                os.kill(child, number)
        elif (code := _reap(child)) is not None:
            return code


def _reap(child: int) -> int | None:
    """Reaps all that have ended; the exit code if `child` was among them."""
    code = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
    return code if code is None or code >= 0 else KILLED_BASE - code
