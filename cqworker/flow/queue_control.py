"""Which queues may be received from, and which take new jobs: what holds for the fleet, and for this daemon alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cqworker.clock import Clock, SystemClock
from cqworker.errors import NotProvisioned, QueueDraining, RateLimited
from cqworker.flow.waiting import sleep_unless
from cqworker.model.crowding import refusal
from cqworker.model.limits import Limit, LimitTable, keys_of_job
from cqworker.ports.fleet import FEATURES, LIMITS, Control, QueueOrder, QueueState

LOOK_AGAIN = 1.0
"""Seconds after which one who waits for a queue looks whether its pause has run out."""
USUAL_RETRY = 60
"""Seconds after which a client asks again for a queue that drains without an end."""
CROWDED_RETRY = 60
"""Seconds after which a client asks again where no more jobs may wait for a limit: the sweep looks once a minute."""


class QueueControl:
    """Remembers what the fleet's control last said.

    While it is not known (`is_known`) nothing is received: a worker that starts in the midst of a pause would break
    it. New jobs are accepted meanwhile, for they can wait. Where it is known without a fleet to ask, all is enabled.
    `written` are the limits that the files name; `limits` is None while no job can be bound by any. `limits_changed` is
    set when operators say something else of limits, and cleared by the sweep of limits.
    """

    def __init__(
        self, clock: Clock | None = None, *, is_known: bool = True, written: Mapping[str, Limit] = MappingProxyType({})
    ) -> None:
        self._clock = clock or SystemClock()
        self._written = written
        self.limits: LimitTable | None = LimitTable(written) if written else None
        self.is_known: bool = is_known
        self.is_quiet: bool = False
        self.control: Control = Control(enabled=frozenset(FEATURES) if is_known else frozenset())
        self.limits_changed: asyncio.Event = asyncio.Event()
        self._changed = asyncio.Event()
        self.changed_here: asyncio.Event = asyncio.Event()

    def note_change(self) -> None:
        """The fleet's control was changed by way of this daemon, which reads it anew at once."""
        self.changed_here.set()

    def note(self, control: Control) -> None:
        """The fleet's control was read."""
        if control.limits != self.control.limits:
            self.limits_changed.set()
        self.is_known, self.control = True, control
        self.limits = LimitTable(self._written, control.limits) if self._written or control.limits else None
        self.wake()

    def set_quiet(self, *, is_quiet: bool) -> None:
        """This daemon alone receives nothing more, or does so again."""
        self.is_quiet = is_quiet
        self.wake()

    def order_of(self, queue: str) -> QueueOrder | None:
        """What was ordered for this queue and is in force; None while it runs as usual."""
        order = self.control.queues.get(queue)
        return order if order is not None and order.is_in_force(self._clock.now()) else None

    def may_receive(self, queue: str) -> bool:
        """Whether messages of this queue may be received here now."""
        if not self.is_known or self.is_quiet:
            return False
        if not self.control.queues:
            return True
        order = self.order_of(queue)
        return order is None or order.state is not QueueState.PAUSED

    async def wait_for_change(self) -> None:
        """Returns when something may have changed, after LOOK_AGAIN at the latest: a pause ends by itself."""
        await sleep_unless(self._changed, LOOK_AGAIN)

    def check_accepts(self, queue: str) -> None:
        """Raises QueueDraining where the queue takes no new jobs."""
        order = self.order_of(queue) if self.control.queues else None
        if order is None or order.state is not QueueState.DRAINING:
            return
        left = USUAL_RETRY if order.until is None else -(-(order.until - self._clock.now()) // 1000)
        why = f" ({order.reason})" if order.reason else ""
        raise QueueDraining(
            f'The queue "{queue}" takes no new jobs now{why}. Ask again in {left} s, or name another queue.',
            retry_after=left,
        )

    def first_full(self, keys: Sequence[str]) -> str | None:
        """The first of these limits for which no more jobs may wait; None: there is room."""
        crowding = self.control.crowding
        return None if crowding is None else crowding.first_full(keys, self._clock.now())

    def check_room(self, type_: str, queue: str, tenant: str, limit_key: str | None) -> None:
        """Raises RateLimited where as many jobs as may already wait for a limit that binds such a job."""
        crowding = self.control.crowding
        if crowding is None or (key := self.first_full(keys_of_job(type_, queue, tenant, limit_key))) is None:
            return
        raise RateLimited(refusal(crowding, key, CROWDED_RETRY), retry_after=CROWDED_RETRY)

    def check_enabled(self, feature: str) -> None:
        """Raises NotProvisioned where the operator has not enabled this yet: daemons at work may not know it."""
        if feature not in self.control.enabled:
            why = (
                "limits are not enabled: an older daemon would run a job with a limit_key as if it had none"
                if feature == LIMITS
                else "replace is not enabled: an older daemon would run a job that was replaced with its former payload"
            )
            raise NotProvisioned(
                f"{why}. Once every daemon is of this version, run `cqworker provision --enable {feature}`; half a "
                "minute later it holds."
            )

    def wake(self) -> None:
        """Whoever waits for a change looks again."""
        self._changed.set()
        self._changed = asyncio.Event()
