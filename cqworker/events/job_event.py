"""Who an event is about, where it is about one job."""

from __future__ import annotations

from msgspec import Struct


class JobRef(Struct, frozen=True, kw_only=True):
    """The job an event is about; `attempt` is 0 before the first start."""

    job_id: str
    type: str
    queue: str
    tenant: str
    round: int
    attempt: int
    trace_id: str


class JobEvent(Struct, frozen=True, kw_only=True):
    """Something happened to one job."""

    job: JobRef
