"""The first process of a container (PID 1), to which the kernel gives every process whose parent has died."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

FAULTS = {
    getattr(signal, name)
    for name in "SIGKILL SIGSTOP SIGSEGV SIGBUS SIGFPE SIGILL SIGABRT SIGTRAP SIGSYS".split()
    if hasattr(signal, name)
}
"""What cannot be handed on, or is a process's own doing."""
KILLED = 128
"""What a shell adds to the number of the signal that ended a process."""


def stand_by_if_first() -> None:
    """As PID 1, does the work in a child, and reaps here whatever is left behind by programs that handlers start."""
    if os.getpid() == 1:
        stand_by()


def stand_by() -> None:
    """Returns in a child, which does the work; the process itself hands signals on to it, reaps, and ends as it ends.

    So no exit status is taken from anybody: programs that the work itself starts are that child's, not ours.
    """
    heard = signal.valid_signals() - FAULTS
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    child = os.fork()
    if child:
        os._exit(_code_of(child, heard))
    _come_to_the_front()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _come_to_the_front() -> None:
    """A terminal's Ctrl-C is for the work alone: handed on as well, it would be a second one, which means hurry."""
    in_front = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    os.setpgid(0, 0)
    if in_front:
        with suppress(OSError):  # SIGTTOU is blocked: a group that is not in front may do this
            os.tcsetpgrp(0, os.getpgrp())


def _code_of(child: int, heard: set[signal.Signals]) -> int:
    while True:
        number = signal.sigwait(heard)
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):
                os.kill(child, number)
        elif (code := _reaped(child)) is not None:
            return code


def _reaped(child: int) -> int | None:
    """Reaps all that have ended; the exit code if `child` was among them."""
    code = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
    return code if code is None or code >= 0 else KILLED - code
