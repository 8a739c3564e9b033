"""The jobs that this worker has in hand: another copy of their messages starts nothing here."""

from __future__ import annotations

from msgspec import Struct

from cqworker.clock import Clock
from cqworker.flow.lease import Lease, LeaseState

STUCK_FOR = 600.0
"""Seconds after which a handler that would not stop keeps its job's next attempt from starting here no longer."""
LOOK_AGAIN = 5.0
"""Seconds for which a copy is hidden once the lease's end is past: the job may be handed back any moment."""


class Holding(Struct):
    """One claimed job, until its slot is free; `left_at` (monotonic) once its attempt was concluded."""

    lease: Lease
    left_at: float | None = None


class JobsInHand:
    """Knows what no record says: that a job is still run here whose lease ended unnoticed, or whose handler goes on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.jobs: dict[str, Holding] = {}
        """By job id. Nearly no message is of one of them: who has one looks here first."""

    def add(self, lease: Lease) -> Holding:
        """Adds a claimed job, until `remove`."""
        holding = self.jobs[lease.job.job_id] = Holding(lease)
        return holding

    def conclude(self, holding: Holding) -> None:
        """Notes that the attempt was settled or given up, though its handler still runs."""
        holding.left_at = self._clock.monotonic()

    def remove(self, holding: Holding) -> None:
        """Removes it: its handler has ended."""
        job_id = holding.lease.job.job_id
        if self.jobs.get(job_id) is holding:
            del self.jobs[job_id]

    def is_held(self, job_id: str, token: str) -> bool:
        """Whether a handler runs here, or may start, under this token by a lease that this worker trusts.

        The record of such an attempt may say that the lease has ended: the clock of a suspended machine stood still.
        """
        holding = self.jobs.get(job_id)
        if holding is None or (lease := holding.lease).token != token:
            return False
        return lease.state is LeaseState.HELD and lease.is_alive(self._clock.monotonic())

    def seconds_to_hide(self, job_id: str, round_number: int) -> float | None:
        """For how many seconds to hide a copy of the job's message; None where the job is not in hand in this round."""
        holding = self.jobs.get(job_id)
        if holding is None or holding.lease.job.round < round_number:
            return None
        now = self._clock.monotonic()
        if holding.left_at is not None and now >= holding.left_at + STUCK_FOR:
            return None
        left = holding.lease.ends - now
        return left if left > 0 else LOOK_AGAIN
