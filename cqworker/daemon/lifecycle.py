"""The daemon from its start to its exit code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from cqworker.clock import SystemClock
from cqworker.daemon.daemon import Daemon, open_daemon
from cqworker.daemon.gc_tuning import collect_rarely
from cqworker.daemon.shutdown import EXIT_SECONDS, ExitBound, close, drain_and_close
from cqworker.daemon.signals import Signals
from cqworker.enums import ExitCode
from cqworker.errors import ConfigurationError
from cqworker.events import DaemonPhase, HandlerLoaded, PluginBroken
from cqworker.model.ids import worker_name
from cqworker.observe.log import configure
from cqworker.platform.supervisor import Supervisor
from cqworker.platform.systemd import Systemd
from cqworker.plugins.registry import discover
from cqworker.posix import DAEMON_NEEDS_POSIX, is_posix
from cqworker.settings import Settings

OnReady = Callable[[str], None]
"""Called once with the base URL, when HTTP answers."""


def _leave_exit_unbound(code: int, seconds: float) -> None:
    """For a caller of `run` whose process has more to do afterwards."""


async def run(
    settings: Settings,
    roles: frozenset[str],
    *,
    on_ready: OnReady | None = None,
    bound_exit: ExitBound = _leave_exit_unbound,
) -> int:
    """Runs the daemon until a signal stops it, and returns its exit code: 0, or 70 when its handlers are stuck.

    `on_ready` is called with the base URL once HTTP answers; `bound_exit` is called after the drain, with the exit
    code and the seconds within which the process should be gone. No answer of AWS ends the daemon: `/readyz` names
    what is wrong. Raises ConfigurationError, PluginConflict and web.server.CannotListen, each before the worker starts.
    """
    if not is_posix():
        raise ConfigurationError(DAEMON_NEEDS_POSIX)
    registry = discover(settings.handlers)
    name = worker_name()
    log = configure(settings.log, name)
    try:
        daemon = open_daemon(settings, registry, roles, name, log, SystemClock())
        return await Lifecycle(daemon, Systemd(os.environ), on_ready, bound_exit).run()
    finally:
        log.close()


class Lifecycle:
    """Leads one daemon through its phases: start, ready, draining, stopped."""

    def __init__(self, daemon: Daemon, supervisor: Supervisor, on_ready: OnReady | None, bound_exit: ExitBound) -> None:
        self._daemon = daemon
        self._supervisor = supervisor
        self._on_ready = on_ready
        self._bound_exit = bound_exit
        self._signals = Signals()

    async def run(self) -> int:
        """Every phase in turn; returns the exit code. Raises web.server.CannotListen."""
        self._signals.listen()
        try:
            async with self._daemon.clients:
                await self._daemon.server.start()
                self._report_handlers()
                with collect_rarely():
                    code = await self._serve()
        finally:
            self._signals.ignore()
        self._daemon.emit(DaemonPhase(phase="stopped"))
        return code

    def _report_handlers(self) -> None:
        """Whose code runs here, and whose cannot."""
        daemon = self._daemon
        for handler in daemon.registry.handlers.values():
            whose = {"distribution": handler.distribution, "version": handler.version}
            daemon.emit(HandlerLoaded(type=handler.type, origin=handler.origin, **whose))
        for broken in daemon.registry.broken:
            daemon.emit(PluginBroken(type=broken.type, origin=broken.origin, cause=broken.cause, remedy=broken.remedy))

    async def _serve(self) -> int:
        """From ready to the end of the drain; the exit code says whether the handlers were stuck.

        A stop that came before that finds no work to drain, and the supervisor never hears READY.
        """
        daemon, signals = self._daemon, self._signals
        if await signals.has_stop_arrived():
            await close(daemon, signals, ExitCode.DONE, EXIT_SECONDS, self._bound_exit)
            return ExitCode.DONE
        daemon.start()
        self._announce_ready()
        async with self._supervisor.confirm_liveness():
            code = ExitCode.INTERNAL if await self._wait_for_stop() else ExitCode.DONE
            async with self._supervisor.extend_deadline():
                await drain_and_close(daemon, signals, self._supervisor, code, self._bound_exit)
        return code

    def _announce_ready(self) -> None:
        """As soon as HTTP answers: a service that is away is named by /readyz, and never ends the daemon."""
        daemon = self._daemon
        host = daemon.settings.http.host
        url = f"http://{f'[{host}]' if ':' in host else host}:{daemon.server.port}"
        queues = ", ".join(queue.name for queue in daemon.settings.queues)
        self._supervisor.announce_ready(f"Serving {url}; queues: {queues}")
        daemon.emit(DaemonPhase(phase="ready", detail=url))
        if self._on_ready is not None:
            self._on_ready(url)

    async def _wait_for_stop(self) -> bool:
        """Waits for a signal, or a command to drain; True when instead the handlers are stuck beyond every timeout."""
        asked = self._daemon.fleet.drain_asked
        waits = [asyncio.ensure_future(self._signals.stop.wait()), asyncio.ensure_future(asked.wait())]
        if self._daemon.worker is not None:
            waits.append(asyncio.ensure_future(self._daemon.worker.stuck.wait()))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return not self._signals.stop.is_set() and not asked.is_set()
