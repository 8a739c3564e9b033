"""Which request's payload a job has, one after another, and whether the last of them is what its handler is given."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping

from cqworker.jobs.request_keys import KEY_LIFE_MS
from cqworker.jobs.submission import Submission
from cqworker.model.attempt_writes import Claim
from cqworker.model.schedule_writes import Reschedule
from tests.simulation.store_service import Applied

UNDER_WAY = 600.0
"""Seconds in which a request that was taken in reaches the queue, frozen processes and all."""
Sent = Callable[[str, str], float | None]
"""When a job was first sent, or put for later, in the name of a request."""


class Payloads:
    """The accounts of payloads that carry the name of their request: `names` has those of each job in their order.

    A payload counts from when it was handed in: a job's first one from its message, whose claim may make the record
    days later. One that came back counts, too: else every later letter of its job would be measured by a wrong payload.
    """

    def __init__(
        self, accuse: Callable[..., None], now: Callable[[], float], asked: Mapping[str, Submission], sent: Sent
    ) -> None:
        self.names: dict[str, list[tuple[str, float]]] = defaultdict(list)
        self._accuse = accuse
        self._now = now
        self._asked = asked
        self._sent = sent
        self._jobs: dict[str, dict[str, float]] = defaultdict(dict)
        self._claimed: dict[str, str | None] = {}

    def applied(self, write: Applied) -> None:
        """A change of a record, just made."""
        change, name = write.change, name_in(write.after.payload)
        if isinstance(change, Claim):
            self._claimed[change.token] = name
        replaced = isinstance(change, Reschedule) and change.payload is not None
        if name is None or not (write.before is None or replaced):
            return
        at = None if replaced else self._sent(name, write.after.job_id)
        at = self._now() if at is None else at
        names = self.names[write.after.job_id]
        times = [known_at for known, known_at in names if known == name]
        if times and not (replaced and is_forgotten(times[-1], at)):
            if replaced:
                self._accuse("a request replaced twice, or what was replaced has come back:", name, write)
                names.append((name, at))
            return
        names.append((name, at))
        self._judge_job(name, write, at)
        if isinstance(change, Reschedule):
            self._judge_time(self._asked[name], write, change)

    def answered(self, name: str, job_id: str, began: float) -> None:
        """A request was given this job: it has that payload by now, or one that came after the request began."""
        replaced = self.names[job_id][1:]
        if any(known == name for known, _ in self.names[job_id]) or any(at >= began for _, at in replaced):
            return
        self._accuse("a request was answered, and does not count:", name, job_id, *self.names[job_id])

    def run(self, token: str, payload: Mapping[str, object]) -> str:
        """A handler began, under this token, with that payload; the token."""
        if (given := payload.get("asked")) != (claimed := self._claimed.get(token)):
            self._accuse("a handler was given another payload than its job has:", given, claimed, token)
        return token

    def _judge_job(self, name: str, write: Applied, at: float) -> None:
        job_id, jobs = write.after.job_id, self._jobs[name]
        for other, handed_in in jobs.items():
            if other != job_id and not is_forgotten(handed_in, at):
                self._accuse("one request is in two jobs:", name, other, job_id, write)
        jobs[job_id] = at

    def _judge_time(self, request: Submission, write: Applied, change: Reschedule) -> None:
        """A job waits so long after the last of its submissions, and at most so long after it was made."""
        at = write.after.scheduled_at or 0
        earliest = change.entry.at + request.debounce_seconds * 1000
        if request.max_wait_seconds is not None:
            latest = write.after.created_at + request.max_wait_seconds * 1000
            earliest = min(earliest, latest)
            if at > latest:
                self._accuse("a job waits for longer than it may:", at - latest, "ms", write)
        if request.debounce_seconds and at < earliest:
            self._accuse("a job does not wait for the last of its submissions:", earliest - at, "ms", write)


def is_forgotten(one: float, other: float) -> bool:
    """Whether a request's key has run out between these times: who repeats it makes another one.

    It is honoured for a day, counted from its reservation, which may be a while before the message.
    """
    return abs(other - one) >= KEY_LIFE_MS / 1000 - UNDER_WAY


def name_in(payload: str | None) -> str | None:
    """The name of the request in its payload, if it has one."""
    found = json.loads(payload) if payload and '"asked"' in payload else {}
    return found.get("asked") if isinstance(found, dict) else None
