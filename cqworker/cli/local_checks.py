"""What `cqworker doctor` finds without asking AWS."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from cqworker.aws.doctor import CheckResult
from cqworker.clock import SystemClock
from cqworker.errors import ConfigurationError
from cqworker.model.timestamps import rfc3339
from cqworker.settings import Settings, check_exposure
from cqworker.settings.limit_settings import limits_of

if TYPE_CHECKING:
    from cqworker.plugins.registry import Registry

KILL_SECONDS = 30
"""Seconds between SIGTERM and SIGKILL on ECS and Kubernetes, unless configured otherwise."""
CLOSE_SECONDS = 2
"""Seconds that a stop may take beyond its drain_timeout."""


def check_locally(settings: Settings, roles: Collection[str], registry: Registry) -> Iterator[CheckResult]:
    """Exposure, drain, limits of nothing, and plugins."""
    yield from _exposure(settings, roles)
    yield from _drain(settings)
    yield from _limits(settings)
    yield from _plugins(registry)


def _exposure(settings: Settings, roles: Collection[str]) -> Iterator[CheckResult]:
    try:
        check_exposure(settings, roles)
    except ConfigurationError as error:
        what, _, fix = str(error).partition(". ")
        yield CheckResult("error", "http", f"{what}.", fix)
    else:
        who = f"{len(settings.http.tokens)} tokens" if settings.http.tokens else "no tokens"
        yield CheckResult("ok", "http", f"Listens on {settings.http.host}, {who}.")


def _drain(settings: Settings) -> Iterator[CheckResult]:
    most = settings.worker.drain_timeout + CLOSE_SECONDS
    if most > KILL_SECONDS:
        yield CheckResult(
            "warning",
            "worker",
            f"A stop may take {most:g} s, and ECS and Kubernetes kill {KILL_SECONDS} s after SIGTERM by default.",
            "Raise stopTimeout (ECS), terminationGracePeriodSeconds (Kubernetes) or TimeoutStopSec (systemd) above it, "
            "or lower worker.drain_timeout.",
        )


def _limits(settings: Settings) -> Iterator[CheckResult]:
    """What stands still by the file, and what the file says in vain."""
    now = SystemClock().now()
    for pattern, limit in limits_of(settings.limits).items():
        subject, until = f"limit {pattern}", "" if limit.until is None else rfc3339(limit.until)
        if not limit.is_in_force(now):
            yield CheckResult("info", subject, f"It ended at {until}, and binds nothing.", "Take it out of the file.")
        elif limit.concurrency == 0:
            what = f"No job of it starts until {until}: its concurrency is 0."
            yield CheckResult("warning", subject, what, "To end that, take it out of the file.")


def _plugins(registry: Registry) -> Iterator[CheckResult]:
    for plugin in registry.broken:
        yield CheckResult("error", f"handler {plugin.type}", plugin.cause, plugin.remedy)
    types = ", ".join(sorted(registry.handlers))
    if types:
        yield CheckResult("ok", "handlers", f"Usable: {types}.")
    else:
        fix = "Install a distribution that offers one; `cqworker handlers list` shows them."
        yield CheckResult("warning", "handlers", "No job type is installed and enabled.", fix)
