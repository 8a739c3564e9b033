"""The way out: the drain with everything else still at work, then the end of everything, both in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cqworker.daemon.daemon import AWS_CLOSE_SECONDS, MIN_CLOSE_SECONDS, Daemon
from cqworker.daemon.signals import Signals
from cqworker.events import DaemonPhase
from cqworker.platform.supervisor import Supervisor
from cqworker.web.server import LAST_ANSWERS

EXIT_SECONDS = 1.5
"""Seconds after `drain_timeout` in which the process is gone; two are promised, and a signal takes its time, too."""
INTERPRETER_SECONDS = 0.15
"""Seconds of EXIT_SECONDS that the interpreter needs for its own end."""
THREADS_SECONDS = 1.0
"""Seconds that the interpreter waits for threads of handlers where there is time."""

ExitBound = Callable[[int, float], None]
"""Called with the exit code and the seconds within which the process has to be gone."""


async def drain_and_close(
    daemon: Daemon, signals: Signals, supervisor: Supervisor, code: int, bound_exit: ExitBound
) -> None:
    """Drains and closes: HTTP answers and leases are kept until the drain is over."""
    began = asyncio.get_running_loop().time()
    supervisor.announce_draining()
    daemon.emit(DaemonPhase(phase="draining", detail=daemon.worker.stuck_because if daemon.worker else ""))
    daemon.quiet()
    drain = daemon.settings.worker.drain_timeout
    if daemon.worker is not None:
        await daemon.worker.drain(drain, signals.stop_now)
    due = began + drain if signals.stop_now_at is None else min(began + drain, signals.stop_now_at)
    await close(daemon, signals, code, due + EXIT_SECONDS - asyncio.get_running_loop().time(), bound_exit)


async def close(daemon: Daemon, signals: Signals, code: int, seconds: float, bound_exit: ExitBound) -> None:
    """Ends everything; whatever hangs in it, `bound_exit` is asked to end the process within these seconds.

    Requests under way have LAST_ANSWERS where there is so much time, and MIN_CLOSE_SECONDS in any case.
    """
    answers = min(LAST_ANSWERS, max(MIN_CLOSE_SECONDS, seconds - AWS_CLOSE_SECONDS - INTERPRETER_SECONDS))
    least = MIN_CLOSE_SECONDS + AWS_CLOSE_SECONDS + INTERPRETER_SECONDS
    bound_exit(code, min(answers + AWS_CLOSE_SECONDS + THREADS_SECONDS, max(seconds, least)))
    await daemon.close(answers, signals.stop_now)
