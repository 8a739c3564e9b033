"""What befalls a process between the two halves of something: a hand-over, a start of what is in the index."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.site import Site


def stall_of_hand_over(site: Site, name: str) -> float | None:
    """Seconds for which the process stands still between the send of a hand-over and its unmark; None: it does not."""
    chance = site.profile.stream(f"stalls {site.kernel.now}")
    if site.weather.harms("frozen hand-over"):
        site.trace.fault("frozen hand-over", name)
        return chance.uniform(1, 60)
    if "long hand-over" in site.profile.rates and site.weather.harms("long hand-over"):
        site.trace.fault("long hand-over", name)
        return chance.uniform(1, 60) + site.profile.horizon
    return None


def leave_with_it(site: Site, name: str, leave: Callable[[], None]) -> None:
    """A worker from before the index started a job that is in it; at times it hands it back and leaves at once."""
    if site.weather.harms("old worker leaves"):
        site.trace.fault("old worker leaves", name)
        leave()
        leave()  # the second SIGTERM hands back what runs
