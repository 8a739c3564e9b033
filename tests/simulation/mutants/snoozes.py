"""Hand-backs that wait, as handlers ask for them, and what may be forgotten of one."""

from __future__ import annotations

from msgspec.structs import replace

from cqworker.model.attempt_writes import HandBack
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _timely(profile: Profile) -> bool:
    """Worlds in which jobs wait for longer than SQS delays a message."""
    return profile.timely


@mutant("a hand-back puts a job off although a cancel was asked for")
def _puts_off_what_is_cancelled(swap: Swap) -> None:
    def permits(self: HandBack, seen: JobRecord | None) -> bool:
        return seen is not None and seen.status is Status.RUNNING and seen.token == self.token

    swap(HandBack, "permits", permits)


@mutant("a long hand-back forgets its mark, and its message goes", where=_timely)
def _forgets_its_mark(swap: Swap) -> None:
    honest = HandBack.after

    def after(self: HandBack, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), due=None)

    swap(HandBack, "after", after)
