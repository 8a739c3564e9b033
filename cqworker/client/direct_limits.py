"""Changes of limits in the table itself, as the operator of this machine makes them."""

from __future__ import annotations

from cqworker.client.job_types import View
from cqworker.client.transport import LimitChange
from cqworker.daemon.standalone import JobServices
from cqworker.errors import LimitRefused
from cqworker.fleet.limit_actions import key_from, limit_key_in
from cqworker.fleet.limit_views import limit_view
from cqworker.model.limits import LimitOrder, rate_from
from cqworker.model.start_times import epoch_ms

DIRECTLY = "aws"
"""Who asks, where no token says it: whoever may write to the table."""


async def change_directly(services: JobServices, name: str, change: LimitChange) -> View:
    """Sets, pauses or resumes the limit of a key. Raises LimitRefused, NotAllowedNow, Unavailable."""
    limits, until, key, limit_key = services.limits, None, key_from(name, change.tenant), limit_key_in(name)
    if change.until is not None:
        until = epoch_ms(change.until)
    elif change.seconds is not None:
        until = services.clock.now() + change.seconds * 1000
    if change.act == "resume":
        return limit_view(await limits.lift(key, DIRECTLY, change.reason, limit_key))
    if change.act == "pause":
        return limit_view(await limits.pause(key, until, DIRECTLY, change.reason, limit_key))
    try:
        rate = None if change.rate is None else rate_from(change.rate)
    except ValueError as error:
        raise LimitRefused(f"{error}.") from None
    order = LimitOrder(
        concurrency=change.concurrency,
        rate=rate,
        burst=change.burst,
        until=until,
        by=DIRECTLY,
        reason=change.reason,
        limit_key=limit_key,
    )
    return limit_view(await limits.set(key, order))
