"""How many jobs of each type ended how, and how many run, from what the daemons tell: no index, and no scan."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cqworker.model.retention import DAY_SECONDS
from cqworker.model.timestamps import day_of
from cqworker.ports.fleet import Counts, Fleet, WorkerState

MAX_DAYS = 31
"""Days whose removed daemons one answer shows: a read each."""


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """`since` (epoch ms) is the earliest start of the daemons that `by_type` sums up, each since its own start.

    `removed` has, by day (YYYY-MM-DD), what those counted that are no longer in the registry, on the day on which they
    were last heard. `running` are the jobs that heartbeats name, by type; `unnamed` run as well, of whatever type.
    """

    since: int | None
    by_type: Counts
    removed: Mapping[str, Counts]
    running: Mapping[str, int]
    unnamed: int


async def count_fleet(fleet: Fleet, now: int, days: int) -> FleetCounts:
    """What was counted, with the daemons removed within so many days (1 to MAX_DAYS). Raises Unavailable.

    About right: a heartbeat is up to a minute old, and what a daemon counted after its last one is lost with it.
    """
    names = [day_of(now - back * DAY_SECONDS * 1000) for back in range(days)]
    members, folded = await asyncio.gather(fleet.members(), asyncio.gather(*map(fleet.folded, names)))
    told = [member.heartbeat for member in members]
    working = [said for said in told if said.state is not WorkerState.STOPPED]
    running = Counter(job.type for said in working for job in said.oldest)
    return FleetCounts(
        since=min((said.started_at for said in told), default=None),
        by_type=_sum(said.counts for said in told),
        removed={name: counts for name, counts in zip(names, folded, strict=True) if counts},
        running=dict(sorted(running.items())),
        unnamed=sum(max(0, said.busy - len(said.oldest)) for said in working),
    )


def _sum(each: Iterable[Counts]) -> Counts:
    total: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for counts in each:
        for job_type, outcomes in counts.items():
            total[job_type].update(outcomes)
    return {job_type: dict(total[job_type]) for job_type in sorted(total)}
