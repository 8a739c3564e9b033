"""Rates that are not kept, and jobs that wait for theirs otherwise than they may."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cqworker.admission.rate_admission import Later, RateAdmission
from cqworker.flow import admission
from cqworker.flow.acknowledger import Acknowledger, Resend
from cqworker.flow.claim import Claimed
from cqworker.model import rates
from cqworker.model.rates import Admitted, Busy, RateAsk, RateState, Reserved
from cqworker.ports import Delivery
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.ports import SimRates
from tests.simulation.profile import Profile

reserve = rates.reserve


def _paced(profile: Profile) -> bool:
    """Worlds in which jobs have a rate."""
    return profile.paced is not None


def _paced_beyond_delays(profile: Profile) -> bool:
    """The same where moments are farther away than a message can be delayed."""
    return profile.paced is not None and profile.horizon <= 20 and profile.jobs >= 40


@mutant("a start asks nobody for its moment", where=_paced)
def _unasked(swap: Swap) -> None:
    async def judge(*_: object) -> None:
        return None

    swap(RateAdmission, "judge", judge)


@mutant("a moment is good for every attempt", where=_paced)
def _for_every_attempt(swap: Swap) -> None:
    def moment_of(claimed: Claimed) -> Admitted | None:
        return None if claimed.envelope.admitted is None else Admitted(1, claimed.record.started_at or 1)

    swap(admission, "_moment_of", moment_of)


@mutant("what was not reserved counts as reserved", where=_paced_beyond_delays)
def _unreserved(swap: Swap) -> None:
    ask_again = RateAdmission._ask_again

    def pretend(self: RateAdmission, key: str, answer: Busy, now: int) -> Later:
        later = ask_again(self, key, answer, now)
        return replace(later, reserved=True, at=now + 5_000)

    swap(RateAdmission, "_ask_again", pretend)


@mutant("a job that waits for its moment has no message", where=_paced)
def _no_message(swap: Swap) -> None:
    async def resend(self: Acknowledger, delivery: Delivery, _: Resend) -> None:
        self._deletes.add(delivery.receipt)

    swap(Acknowledger, "_resend", resend)


@mutant("the message of a job that waits for its moment brings none", where=_paced)
def _without_its_moment(swap: Swap) -> None:
    """Each asks again whenever it comes, for ever later: it starves."""
    swap(admission, "_moment_of", lambda _: None)


@mutant("two starts get one moment", where=_paced)
def _one_for_two(swap: Swap) -> None:
    def twice(state: RateState | None, ask: RateAsk) -> tuple[RateState, Reserved] | Busy:
        answer = reserve(state, ask)
        if isinstance(answer, Busy):
            return answer
        left, reserved = answer
        return replace(left, next=left.next - ask.interval // 2), reserved

    swap(rates, "reserve", twice)


@mutant("a burst is there again at once", where=_paced)
def _endless_burst(swap: Swap) -> None:
    swap(RateAsk, "early", property(lambda self: (2 * self.burst + 3) * self.interval))


@mutant("each worker has a rate of its own", where=_paced)
def _rate_of_its_own(swap: Swap) -> None:
    states: dict[tuple[int, str], RateState] = {}

    async def alone(self: SimRates, ask: RateAsk) -> Any:
        answer = reserve(states.get((id(self), ask.key)), ask)
        if isinstance(answer, Busy):
            return answer
        states[id(self), ask.key], reserved = answer
        self._rates._reserved(reserved.times)
        return reserved

    swap(SimRates, "reserve", alone)
