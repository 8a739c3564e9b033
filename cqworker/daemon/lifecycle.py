"""The daemon from its start to its exit code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from cqworker.clock import SystemClock
from cqworker.daemon.daemon import House, open_house
from cqworker.daemon.gc_tuning import rare_collections
from cqworker.daemon.shutdown import REST, Ended, close, leave
from cqworker.daemon.signals import Signals
from cqworker.enums import ExitCode
from cqworker.errors import ConfigurationError
from cqworker.events import DaemonPhase, HandlerLoaded, PluginBroken
from cqworker.model.ids import worker_name
from cqworker.observe.log import configure
from cqworker.platform.sd_notify import notify
from cqworker.platform.systemd_watchdog import ask_for_time, feed_watchdog
from cqworker.plugins.registry import discover
from cqworker.posix import DAEMON, is_posix
from cqworker.settings import Settings


def _in_its_own_time(code: int, seconds: float) -> None:
    """For whoever calls `run` in a process that has more to do."""


async def run(
    settings: Settings,
    roles: frozenset[str],
    *,
    ready: Callable[[str], None] | None = None,
    ended: Ended = _in_its_own_time,
) -> int:
    """Runs the daemon until it is told to stop, and returns its exit code: 0, or 70 when its handlers are stuck.

    `ready` is given the base URL once HTTP answers; `ended` is told, after the drain, how soon the process should be
    gone and with which code. Whatever AWS answers does not end the daemon: `/readyz` names it.
    Raises ConfigurationError, PluginConflict and web.server.CannotListen before anything was started.
    """
    if not is_posix():
        raise ConfigurationError(DAEMON)
    registry = discover(settings.handlers)
    name = worker_name()
    log = configure(settings.log, name)
    try:
        house = open_house(settings, registry, roles, name, log, SystemClock())
        return await _live(house, ready, ended)
    finally:
        log.close()


async def _live(house: House, ready: Callable[[str], None] | None, ended: Ended) -> int:
    signals = Signals()
    signals.listen()
    try:
        async with house.clients:
            await house.server.start()
            _introduce(house)
            with rare_collections():
                code = await _serve(house, signals, ready, ended)
    finally:
        signals.ignore()
    house.emit(DaemonPhase(phase="stopped"))
    return code


def _introduce(house: House) -> None:
    """Whose code runs here, and whose cannot."""
    for handler in house.registry.handlers.values():
        whose = {"distribution": handler.distribution, "version": handler.version}
        house.emit(HandlerLoaded(type=handler.type, origin=handler.origin, **whose))
    for broken in house.registry.broken:
        house.emit(PluginBroken(type=broken.type, origin=broken.origin, cause=broken.cause, remedy=broken.remedy))


async def _serve(house: House, signals: Signals, ready: Callable[[str], None] | None, ended: Ended) -> int:
    """From ready to the end of the drain; the exit code says whether the handlers were stuck.

    Told to stop before that, it asks for no work, which a drain would have to wait for, and never says READY.
    """
    if await signals.told_to_stop():
        await close(house, signals, ExitCode.DONE, REST, ended)
        return ExitCode.DONE
    house.start()
    _announce(house, ready)
    async with _beside(feed_watchdog(os.environ)):
        code = ExitCode.INTERNAL if await _until_told(house, signals) else ExitCode.DONE
        async with _beside(ask_for_time(os.environ)):
            await leave(house, signals, code, ended)
    return code


def _announce(house: House, ready: Callable[[str], None] | None) -> None:
    """READY as soon as HTTP answers: a service that is away is told by /readyz, and never ends the daemon."""
    host = house.settings.http.host
    url = f"http://{f'[{host}]' if ':' in host else host}:{house.server.port}"
    queues = ", ".join(queue.name for queue in house.settings.queues)
    notify(os.environ, "READY=1", f"STATUS=Serving {url}; queues: {queues}")
    house.emit(DaemonPhase(phase="ready", detail=url))
    if ready is not None:
        ready(url)


async def _until_told(house: House, signals: Signals) -> bool:
    """Waits for a signal; True when instead the handlers are stuck beyond every timeout."""
    waits = [asyncio.ensure_future(signals.stop.wait())]
    if house.worker is not None:
        waits.append(asyncio.ensure_future(house.worker.stuck.wait()))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not signals.stop.is_set()


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Lets `work` go on while the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
