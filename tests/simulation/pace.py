"""Accounts of a rate: which moments were given away, which starts they were for, and whether there were too many."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence

from cqworker.events import JobRef
from cqworker.model.limits import Rate, rate_from
from cqworker.settings.limit_settings import LimitSettings
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.profile import Profile

PACED_TYPE = "work"
"""The commonest type of jobs."""
GOOD_FOR = 2.0
"""Seconds for which a moment is good."""
SLACK = 0.5
"""Seconds that a start may take once it is allowed, where nobody is harmed."""
HARMS = ("freeze", "suspend", "clock step", "outage", "partition", "mute process", "blind sweeper")
SLOW = ("slow", "late", "two holders", "frozen hand-over")
"""What lets a start come long after it was allowed."""


def limits_in(profile: Profile) -> dict[str, LimitSettings]:
    """The limits of the files."""
    if profile.paced is None:
        return {}
    rate, burst = profile.paced
    return {f"type:{PACED_TYPE}": LimitSettings(rate=rate, burst=burst)}


def is_punctual(profile: Profile) -> bool:
    """Whether a start comes when it is allowed: nothing stands between the two, no wait for a slot either."""
    struck = {kind for _, kind in profile.strikes}
    is_harmed = struck.intersection(HARMS) or profile.blackouts or profile.rates.keys() & set(SLOW)
    return profile.paced is not None and not profile.slotted and not is_harmed


class Pace:
    """Looks at every moment and every start of the limited type."""

    def __init__(self, accuse: Callable[..., None], profile: Profile) -> None:
        self._accuse = accuse
        self._profile = profile
        self._moments: list[float] = []
        self._started: set[tuple[str, int, int]] = set()
        self._starts: list[float] = []

    def reserved(self, times: Sequence[int]) -> None:
        """Moments (epoch µs) that were given away."""
        for time in times:
            insort(self._moments, time / 1_000_000 - EPOCH_MS / 1000)

    def started(self, job: JobRef, now: float) -> None:
        """A handler begins; a second start of an attempt that was refunded may use the moment of the first."""
        if self._profile.paced is None or job.type != PACED_TYPE:
            return
        self._starts.append(now)
        self._started.add((job.job_id, job.round, job.attempt))
        latest = now + 2 * self._profile.skew / 1000 + SLACK
        if len(self._started) > (allowed := sum(1 for moment in self._moments if moment <= latest)):
            self._accuse("more starts than moments:", job, len(self._started), "of", allowed)

    def judge(self) -> None:
        """In any time no more moments, nor more starts, than the rate gives, and a burst."""
        if self._profile.paced is None:
            return
        text, burst = self._profile.paced
        self._look("moments", self._moments, rate_from(text), burst, 0.001)
        if is_punctual(self._profile):
            slack = GOOD_FOR + SLACK + 2 * self._profile.skew / 1000
            self._look("starts", sorted(self._starts), rate_from(text), burst, slack)

    def _look(self, what: str, times: Sequence[float], rate: Rate, burst: int, slack: float) -> None:
        interval = rate.interval_us / 1_000_000
        for first, began in enumerate(times):
            for last in range(first, len(times)):
                number = last - first + 1
                if number > burst + (times[last] - began + slack) / interval + 1e-6:
                    self._accuse("too many", what, "for the rate:", number, "within", times[last] - began, "s")
                    return
