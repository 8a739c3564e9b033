"""What is known when all is quiet: accepted jobs, their records, the handlers' runs, and what was done to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cqworker.model.record import JobRecord
from tests.chaos.fleet import Fleet, Interruption
from tests.chaos.journal import ENDS, Line
from tests.chaos.load import Ledger
from tests.chaos.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one handler: monotonic seconds, `how` it ended (end, raise, stop), None where its process died."""

    job_id: str
    attempt: int
    run: str
    pid: int
    began: float
    began_at: int
    ended: float | None = None
    how: str | None = None
    effect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the checker joins; `results` are the results' JSON texts, wherever they were stored."""

    accepted: frozenset[str]
    may_run: frozenset[str]
    records: Mapping[str, JobRecord]
    results: Mapping[str, str]
    runs: Mapping[str, list[Run]]
    interruptions: tuple[Interruption, ...] = ()
    dead: int = 0

    @property
    def all_runs(self) -> list[Run]:
        return [run for runs in self.runs.values() for run in runs]

    def death_of(self, pid: int) -> float | None:
        """When this process died (monotonic seconds)."""
        deaths = [cut.began for cut in self.interruptions if cut.pid == pid and cut.is_death]
        return min(deaths, default=None)

    def frozen_during(self, run: Run) -> bool:
        """Its process was frozen at some moment of the run."""
        end = run.ended if run.ended is not None else float("inf")
        cuts = [cut for cut in self.interruptions if cut.pid == run.pid and not cut.is_death]
        return any(cut.began <= end and (cut.ended or 0) >= run.began for cut in cuts)


@dataclass(slots=True)
class _Draft:
    start: Line
    effect: bool = False
    last: Line | None = field(default=None)

    def run(self) -> Run:
        start, last = self.start, self.last
        return Run(
            job_id=start.job_id,
            attempt=start.attempt,
            run=start.run,
            pid=start.pid,
            began=start.mono,
            began_at=start.at,
            ended=last.mono if last else None,
            how=last.event if last else None,
            effect=self.effect,
        )


def runs_of(lines: Iterable[Line]) -> dict[str, list[Run]]:
    """The runs that these lines tell of, by job, the earliest first."""
    drafts: dict[str, _Draft] = {}
    for line in lines:
        if line.event == "start":
            drafts[line.run] = _Draft(line)
        elif line.event == "effect":
            drafts[line.run].effect = True
        elif line.event in ENDS:
            drafts[line.run].last = line
    runs: dict[str, list[Run]] = defaultdict(list)
    for draft in sorted(drafts.values(), key=lambda draft: draft.start.mono):
        runs[draft.start.job_id].append(draft.run())
    return dict(runs)


async def gather_evidence(world: World, ledger: Ledger, fleet: Fleet) -> Evidence:
    """Reads everything once; the queue should be empty."""
    records = await world.backdoor.records()
    world.journal.read()
    return Evidence(
        accepted=frozenset(ledger.accepted),
        may_run=frozenset(ledger.may_run),
        records=records,
        results=await world.backdoor.results(records.values()),
        runs=runs_of(world.journal.lines),
        interruptions=tuple(fleet.interruptions),
        dead=(await world.backdoor.depths()).dead,
    )
