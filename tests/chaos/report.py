"""What a run found, for people: its figures, and every violation."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.checker import Violation, died_holding
from tests.chaos.evidence import Evidence

SHOWN = 20


@dataclass(slots=True)
class Report:
    """A run's name, its figures in order, what it promised and did not keep."""

    name: str
    figures: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.violations

    def require(self, holds: bool, what: str) -> None:
        """A promise of the run itself."""
        if not holds:
            self.violations.append(what)

    def add(self, violations: list[Violation]) -> None:
        self.violations += map(str, violations)

    def text(self) -> str:
        """The whole report, a line a figure."""
        lines = [f"{self.name}: {'passed' if self.passed else 'FAILED'}"]
        lines += [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  violation: {what}" for what in self.violations[:SHOWN]]
        if len(self.violations) > SHOWN:
            lines.append(f"  … and {len(self.violations) - SHOWN} violations more")
        return "\n".join(lines)


def say(text: str) -> None:
    """Tells whoever started the run, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def figures_of(evidence: Evidence) -> dict[str, object]:
    """The figures that every run has."""
    statuses = Counter(str(record.status) for record in evidence.records.values())
    starts = len(evidence.all_runs)
    held = [run for run in evidence.all_runs if died_holding(evidence, run)]
    attempts = sum(record.attempt for record in evidence.records.values())
    return {
        "accepted": len(evidence.accepted),
        "lost": len(evidence.accepted - evidence.records.keys()),
        "statuses": dict(sorted(statuses.items())),
        "starts": starts,
        "extra starts": starts - len(evidence.runs),
        "in a handler at a kill": sum(run.ended is None for run in held),
        "past the handler but not settled at a kill": sum(run.how == "end" for run in held),
        "attempts": attempts,
        "jobs whose attempts equal their starts": sum(
            record.attempt == len(evidence.runs.get(job_id, ())) for job_id, record in evidence.records.items()
        ),
    }
