"""What the whole fleet was told to know: whether jobs may have a `limit_key`, and who would not heed it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import metadata

from cqworker.aws.aws_call import Calls
from cqworker.aws.doctor.check_result import CheckResult
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.clock import Clock
from cqworker.ports.fleet import LIMITS
from cqworker.settings import Settings

EVERY_KEY = "key:*"


async def check_features(clients: Calls, settings: Settings, clock: Clock) -> AsyncIterator[CheckResult]:
    """Where limits are configured. Raises AwsFault where the registry cannot be read."""
    if not settings.limits:
        return
    fleet = DynamoFleet(clients, settings.store.table, clock)
    if LIMITS in (await fleet.control()).enabled:
        yield CheckResult("ok", "limits", "They are enabled: jobs may have a limit_key.")
        return
    version = metadata.version("cqworker")
    said = [member.heartbeat for member in await fleet.members()]
    others = sorted(
        f"{one.worker} ({one.version or 'unknown'})"
        for one in said
        if one.is_alive(clock.now()) and one.version != version
    )
    what = "They are not enabled: a job with a limit_key is refused (409)."
    if others:
        what += f" Daemons of another version than {version} are at work: {', '.join(others)}."
    fix = "Once every daemon knows limits, run `cqworker provision --enable limits`."
    yield CheckResult("warning" if EVERY_KEY in settings.limits else "info", "limits", what, fix)
