"""What an outage must not cost: protocols that give up, or take, what is only not answered for."""

from __future__ import annotations

from typing import Any

from cqworker.flow.lease_keeper import LeaseKeeper
from cqworker.flow.unanswered_writes import UnansweredWrites
from cqworker.health.service_health import ServiceHealth
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _is_dark(profile: Profile) -> bool:
    """Nothing but blackouts excuses what goes wrong there."""
    return bool(profile.blackouts) and not profile.rates


@mutant("a silent lease is given up", where=_is_dark)
def _silence_is_loss(swap: Swap) -> None:
    swap(LeaseKeeper, "_go_silent", lambda self, lease: self._lose(lease, "no renewal was answered in time"))


@mutant("an unanswered ending is given up with its lease", where=_is_dark)
def _unanswered_write_given_up(swap: Swap) -> None:
    async def give_up(_self: UnansweredWrites, _change: Any) -> None:
        return None

    swap(UnansweredWrites, "repeat_until_answered", give_up)


@mutant("ended leases are taken at once after an outage", where=_is_dark)
def _no_grace(swap: Swap) -> None:
    swap(ServiceHealth, "lease_grace", lambda _self, _queue: 0)


@mutant("the grace counts from the lease's end", where=_is_dark)
def _short_grace(swap: Swap) -> None:
    grace = ServiceHealth.lease_grace
    swap(ServiceHealth, "lease_grace", lambda self, queue: min(grace(self, queue), 5_000))
