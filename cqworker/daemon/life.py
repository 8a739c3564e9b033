"""The daemon from its start to its exit code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from cqworker.clock import SystemClock
from cqworker.daemon.garbage import rare_collections
from cqworker.daemon.house import House, open_house
from cqworker.daemon.signals import Signals
from cqworker.daemon.supervision import ask_for_time, feed_watchdog
from cqworker.events import DaemonPhase, HandlerLoaded, PluginBroken
from cqworker.model.ids import worker_name
from cqworker.observe.log import configure
from cqworker.plugins.registry import discover
from cqworker.sdnotify import notify
from cqworker.settings import Settings

ROLES = frozenset({"worker", "api"})
EXIT_DONE = 0
EXIT_STUCK = 70


async def run(settings: Settings, roles: frozenset[str], *, ready: Callable[[str], None] | None = None) -> int:
    """Runs the daemon until it is told to stop, and returns its exit code: 0, or 70 when its handlers are stuck.

    `ready` is given the base URL once HTTP answers. Whatever AWS answers does not end the daemon: `/readyz` names it.
    Raises ConfigurationError, PluginConflict and web.server.CannotListen before anything was started.
    """
    registry = discover(settings.handlers)
    name = worker_name()
    log = configure(settings.log, name)
    try:
        house = open_house(settings, registry, roles, name, log, SystemClock())
        return await _live(house, ready)
    finally:
        log.close()


async def _live(house: House, ready: Callable[[str], None] | None) -> int:
    signals = Signals()
    signals.listen()
    try:
        async with house.clients:
            await house.server.start()
            _introduce(house)
            with rare_collections():
                stuck = await _serve(house, signals, ready)
    finally:
        signals.ignore()
    house.emit(DaemonPhase(phase="stopped"))
    return EXIT_STUCK if stuck else EXIT_DONE


def _introduce(house: House) -> None:
    """Whose code runs here, and whose cannot."""
    for handler in house.registry.handlers.values():
        whose = {"distribution": handler.distribution, "version": handler.version}
        house.emit(HandlerLoaded(type=handler.type, origin=handler.origin, **whose))
    for broken in house.registry.broken:
        house.emit(PluginBroken(type=broken.type, origin=broken.origin, cause=broken.cause, remedy=broken.remedy))


async def _serve(house: House, signals: Signals, ready: Callable[[str], None] | None) -> bool:
    """From ready to the end of the drain; True when the handlers were stuck.

    Told to stop before that, it asks for no work, which a drain would have to wait for, and never says READY.
    """
    if await signals.told_to_stop():
        await house.close()
        return False
    house.start()
    _announce(house, ready)
    async with _beside(feed_watchdog(os.environ)):
        stuck = await _until_told(house, signals)
        async with _beside(ask_for_time(os.environ)):
            await _leave(house, signals)
    return stuck


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


async def _leave(house: House, signals: Signals) -> None:
    """The drain, with everything else still at work: HTTP answers, leases are kept."""
    notify(os.environ, "STOPPING=1", "STATUS=Draining")
    house.emit(DaemonPhase(phase="draining", detail=house.worker.stuck_because if house.worker else ""))
    house.quiet()
    if house.worker is not None:
        await house.worker.drain(house.settings.worker.drain_timeout, signals.hurry)
    await house.close()


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
