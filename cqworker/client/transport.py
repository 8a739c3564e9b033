"""The two ways to jobs behind one port: everything raises a CqworkerError that can be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cqworker.client.job_types import View
from cqworker.errors import CqworkerError

SubmitResult = View | CqworkerError
"""What became of one job of many: the job, or what submitting it alone would have raised."""
SubmitResults = list[SubmitResult]


@dataclass(frozen=True, slots=True)
class QueueChange:
    """`act` is pause, drain or resume; its end a time or a number of seconds from now, or neither."""

    act: str
    until: datetime | None = None
    seconds: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LimitChange:
    """`act` is set, pause or resume; the limit, and its end: a time or a number of seconds from now, or neither.

    `tenant` is whose `limit_key` it is, where the key names one.
    """

    act: str
    tenant: str
    concurrency: int | None = None
    rate: str | None = None
    burst: int | None = None
    until: datetime | None = None
    seconds: int | None = None
    reason: str = ""


class Transport(Protocol):
    """What a client asks about jobs. A `body` is a job as POST /jobs takes it; jobs come as the API shows them."""

    async def submit(self, body: bytes, key: str | None) -> View:
        """Submits one job; `key` is its idempotency key."""
        ...

    async def submit_many(self, bodies: Sequence[bytes]) -> SubmitResults:
        """At most 500 jobs, each with its `idempotency_key` in its body.

        Raises where the request failed as a whole; MessageTooLarge where its jobs should come in smaller portions.
        """
        ...

    async def show(self, job_id: str) -> View:
        """The job as it is now. Raises JobNotFound."""
        ...

    async def wait(self, job_id: str, seconds: float) -> View:
        """The job once it is final, or after `seconds` (at most 20) as it is then."""
        ...

    async def list(self, asked: Mapping[str, str]) -> View:
        """A page of a list of jobs, as GET /jobs takes and answers it. Raises ListingRefused, NotProvisioned."""
        ...

    async def count(self, asked: Mapping[str, str]) -> View:
        """How many jobs there are, as GET /jobs/count takes and answers it. Raises as `list` does."""
        ...

    async def retry(self, job_id: str, round_number: int | None) -> View:
        """Opens the round after `round_number`, or after the present one. Raises JobNotFound, NotAllowedNow."""
        ...

    async def cancel(self, job_id: str) -> View:
        """Cancels the job, or asks its worker to. Raises JobNotFound, NotAllowedNow."""
        ...

    async def workers(self) -> Sequence[View]:
        """The workers of the fleet, by name."""
        ...

    async def count_fleet(self, days: int) -> View:
        """What the workers counted, as GET /workers/counts answers it. Raises SubmissionRefused."""
        ...

    async def order_worker(self, worker: str, command: str) -> View:
        """Asks one for something: quiet, resume, drain. Raises WorkerNotFound."""
        ...

    async def queues(self) -> Sequence[View]:
        """How the queues stand, by name."""
        ...

    async def change_queue(self, queue: str, change: QueueChange) -> View:
        """Pauses, drains or resumes a queue. Raises UnknownQueue, PauseRefused."""
        ...

    async def limits(self) -> Sequence[View]:
        """How the limits stand, by key."""
        ...

    async def limit(self, key: str, tenant: str) -> View:
        """How one stands. Raises LimitRefused."""
        ...

    async def change_limit(self, key: str, change: LimitChange) -> View:
        """Sets, pauses or resumes one. Raises LimitRefused, NotAllowedNow."""
        ...

    async def reschedule(self, job_id: str, body: bytes) -> View:
        """Gives a job that waits the time in `body`, as POST /jobs/{id}/reschedule takes it.

        Raises JobNotFound, NotAllowedNow, NotProvisioned, SubmissionRefused.
        """
        ...

    async def reprioritise(self, job_id: str, body: bytes) -> View:
        """Gives a job that waits the level in `body`, as POST /jobs/{id}/priority takes it.

        Raises JobNotFound, NotAllowedNow, SubmissionRefused.
        """
        ...

    async def run_now(self, job_id: str) -> View:
        """Starts a job that waits. Raises JobNotFound, NotAllowedNow, NotProvisioned."""
        ...

    async def start_operation(self, body: bytes) -> View:
        """Asks for an operation, as POST /operations takes it and answers; in a dry run what it would be done to.

        Raises ListingRefused, NotProvisioned, NotAllowedNow, SubmissionRefused.
        """
        ...

    async def operations(self, asked: Mapping[str, str]) -> View:
        """A page of the operations, as GET /operations takes and answers it. Raises ListingRefused."""
        ...

    async def show_operation(self, operation_id: str) -> View:
        """How far it is. Raises JobNotFound."""
        ...

    async def cancel_operation(self, operation_id: str) -> View:
        """Stops it. Raises JobNotFound, NotAllowedNow."""
        ...

    async def upload(self, data: bytes, content_type: str) -> str:
        """What a payload says to refer to these bytes."""
        ...

    async def download(self, job_id: str, name: str | None) -> bytes:
        """What a job made: what has the name, else its `output`, or a result that was too big for its record."""
        ...
