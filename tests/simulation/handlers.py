"""Handlers that do what their payload's script says: quick, slow, deaf, blocking, deadly."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from cqworker import Job, Reject, Retry, Snooze, handler
from cqworker.plugins.registry import Registry, registry_from
from tests.simulation.kernel import Guest
from tests.simulation.profile import Profile

BIG = 2000
MODERN = "modern"
"""The type that only newer workers know."""


class Host(Protocol):
    """The process that a handler runs in, for what a handler may do to it."""

    def began(self, job: Job, payload: Mapping[str, object]) -> int: ...

    def ended(self, serial: int) -> None: ...

    def returned(self, serial: int, result: object) -> None: ...

    def block(self, seconds: float) -> None: ...

    def die(self) -> None: ...

    def opens(self) -> bool: ...

    def ignores(self, job: Job) -> None: ...


def registries(profile: Profile) -> tuple[Registry, Registry]:
    """What an old worker knows, and what a new one knows."""
    period = profile.visibility
    work = {
        "work": handler(timeout=5.0 * period + 60, max_attempts=4)(_work),
        "brief": handler(timeout=5, max_attempts=2)(_brief),
        "narrow": handler(timeout=60, max_attempts=3, concurrency=1)(_narrow),
        "pooled": handler(timeout=60, max_attempts=3, lifespan=_pool)(_pooled),
        "deadly": handler(timeout=60, max_attempts=3)(_deadly),
    }
    modern = handler(timeout=60, max_attempts=3)(_modern)
    return registry_from(work), registry_from({**work, MODERN: modern})


async def _work(payload: dict[str, Any], job: Job) -> Any:
    return await _act(payload, job)


async def _brief(payload: dict[str, Any], job: Job) -> Any:
    return await _act(payload, job)


async def _narrow(payload: dict[str, Any], job: Job) -> Any:
    return await _act(payload, job)


async def _pooled(payload: dict[str, Any], job: Job) -> Any:
    assert job.state == "pool"
    return await _act(payload, job)


async def _deadly(payload: dict[str, Any], job: Job) -> Any:
    return await _act(payload, job)


async def _modern(payload: dict[str, Any], job: Job) -> Any:
    return await _act(payload, job)


@asynccontextmanager
async def _pool() -> AsyncIterator[str]:
    await asyncio.sleep(0.2)
    if not _host().opens():
        raise ConnectionError("the pool cannot be opened today")
    yield "pool"


async def _act(payload: dict[str, Any], job: Job) -> Any:
    """One attempt: takes its time, then ends as the script says for an attempt of this number."""
    host = _host()
    serial = host.began(job, payload)
    try:
        return await _perform(payload, job, host, serial)
    finally:
        host.ended(serial)


async def _perform(payload: dict[str, Any], job: Job, host: Host, serial: int) -> Any:
    script = payload["script"]
    step = script[min(job.attempt, len(script)) - 1]
    act = _ways.get(step["how"], _take)
    await act(step, job, host)
    if "snooze" in step and serial % 2:  # the last job of a world has every other number: it ends, too
        raise Snooze("the script says so", after=step["snooze"])
    result: dict[str, Any] = {
        "serial": serial,
        "attempt": job.attempt,
        "pad": "x" * (BIG if step["end"] == "big" else 0),
    }
    match step["end"]:
        case "raise":
            raise RuntimeError("the script says so")
        case "retry":
            raise Retry("the script says so", after=step["after"])
        case "reject":
            raise Reject("the script says so")
        case "exit":
            raise SystemExit(3)
        case "artifact" | "torn":
            data = json.dumps({"serial": serial}).encode()
            result["output"] = await job.artifacts.write(data, extension="json", content_type="application/json")
        case _:
            pass
    if step["end"] == "torn":
        raise RuntimeError("its output is written, and it fails all the same")
    host.returned(serial, result)
    return result


async def _take(step: dict[str, Any], job: Job, host: Host) -> None:
    for part in range(4):
        await asyncio.sleep(step["take"] / 4)
        job.progress(part, 4)


async def _deafly(step: dict[str, Any], job: Job, host: Host) -> None:
    """Does not hear that it shall stop, for as long as it would have taken anyway."""
    host.ignores(job)
    loop = asyncio.get_running_loop()
    until = loop.time() + step["take"]
    while (left := until - loop.time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(left)


async def _blocking(step: dict[str, Any], job: Job, host: Host) -> None:
    """What `time.sleep` does to the loop it is called on."""
    host.block(step["take"])
    await asyncio.sleep(0)


async def _dying(step: dict[str, Any], job: Job, host: Host) -> None:
    await asyncio.sleep(step["take"])
    host.die()
    await asyncio.sleep(0)


async def _parting(step: dict[str, Any], job: Job, host: Host) -> None:
    """Asks for another try, much later, when it is told to stop."""
    try:
        await asyncio.sleep(step["take"])
    except asyncio.CancelledError:
        raise Retry("later, for it was stopped", after=step["after"]) from None


_ways: dict[str, Callable[[dict[str, Any], Job, Host], Coroutine[Any, Any, None]]] = {
    "deaf": _deafly,
    "parting": _parting,
    "block": _blocking,
    "die": _dying,
}


def _host() -> Host:
    guest = cast("Guest", asyncio.get_running_loop())
    return cast("Host", guest.host)
