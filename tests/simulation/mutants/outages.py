"""What an outage must not cost: protocols that give up, or take, what is only not answered for."""

from __future__ import annotations

from typing import Any

from cqworker.flow.health import Health
from cqworker.flow.insistence import Insistence
from cqworker.flow.keeper import LeaseKeeper
from cqworker.flow.lease import Lease
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _is_dark(profile: Profile) -> bool:
    """Nothing but blackouts excuses what goes wrong there."""
    return bool(profile.blackouts) and not profile.rates


GONE = "the message is no longer ours"


@mutant("a silent lease is given up", where=_is_dark)
def _silence_is_loss(swap: Swap) -> None:
    swap(LeaseKeeper, "_go_silent", lambda self, lease: self._lose(lease, "no renewal was answered in time"))


@mutant("an unanswered ending is given up with its lease", where=_is_dark)
def _no_insistence(swap: Swap) -> None:
    async def give_up(_self: Insistence, _change: Any) -> None:
        return None

    swap(Insistence, "write", give_up)


@mutant("ended leases are taken at once after an outage", where=_is_dark)
def _no_grace(swap: Swap) -> None:
    swap(Health, "grace", lambda _self, _queue: 0)


@mutant("the grace counts from the lease's end", where=_is_dark)
def _short_grace(swap: Swap) -> None:
    grace = Health.grace
    swap(Health, "grace", lambda self, queue: min(grace(self, queue), 5_000))


@mutant("a message is shown while its ending is not answered", where=_is_dark)
def _shown(swap: Swap) -> None:
    swap(LeaseKeeper, "hide", LeaseKeeper.release)


@mutant("a receipt that is gone ends the lease", where=_is_dark)
def _receipts_count(swap: Swap) -> None:
    async def lose(self: LeaseKeeper, lease: Lease, _reason: str) -> None:
        self._lose(lease, GONE)

    swap(LeaseKeeper, "_replace", lose)


@mutant("a silent lease is not asked for again", where=_is_dark)
def _never_asked(swap: Swap) -> None:
    asks = LeaseKeeper._asks_for_record
    swap(LeaseKeeper, "_asks_for_record", lambda self, lease, now: not lease.is_silent and asks(self, lease, now))
