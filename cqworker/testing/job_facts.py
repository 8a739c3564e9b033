"""The facts of the job that a test may set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from cqworker.model.tenants import check_tenant
from cqworker.plugins.job import PlainJob
from cqworker.plugins.loaded_handlers import Handler
from cqworker.suggestions.handler_terms import RUN

RUN_OPTIONS = ("artifacts", "sources", "stopping", "drain_after", "grace", "state", "timeout")
"""The options of run_handler() that are no facts of the job."""


class JobFacts(TypedDict, total=False):
    """The job's own facts, as `cqworker.Job` has them: `id`, `type`, `attempt`, `max_attempts`, `round`, `tenant`.

    And `metadata`, `tags`, `deadline` (UTC), `traceparent`, `memory` (MiB), `priority`, `limit_key`.
    """

    id: str
    type: str
    attempt: int
    max_attempts: int
    round: int
    tenant: str
    metadata: Mapping[str, str]
    tags: Sequence[str]
    deadline: datetime
    memory: int | None
    traceparent: str | None
    priority: str
    limit_key: str | None


def facts_of(handler: Handler, given: Mapping[str, Any]) -> PlainJob:
    """The job of a run, with these facts over the usual ones.

    Raises TypeError for what no job has, and ValueError for a tenant that is none.
    """
    known = list(JobFacts.__annotations__)
    if unknown := [name for name in given if name not in known]:
        raise TypeError(f"{RUN.describe_unknown(unknown, [*RUN_OPTIONS, *known])} {RUN.usage}")
    usual: dict[str, Any] = {
        "id": "test-job",
        "type": handler.type,
        "attempt": 1,
        "max_attempts": handler.max_attempts,
        "deadline": datetime.now(UTC) + timedelta(seconds=handler.timeout),
        "memory": handler.memory,
    }
    facts = PlainJob(**(usual | dict(given)))
    check_tenant(facts.tenant)
    return facts
