"""What a test may say of the job that its handler is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from cqworker.model.tenants import check_tenant
from cqworker.plugins.job import PlainJob
from cqworker.plugins.registry import Handler
from cqworker.suggestions.handler_terms import RUN

RUN_OPTIONS = ("artifacts", "sources", "stopping", "drain_after", "grace", "state", "timeout")
"""What run_handler() takes beside them."""


class JobFacts(TypedDict, total=False):
    """The job's own facts, as `cqworker.Job` has them: `id`, `type`, `attempt`, `max_attempts`, `round`, `tenant`.

    And `metadata`, `tags`, `deadline` (UTC), `traceparent`, `memory` (MiB).
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


def facts_of(handler: Handler, said: Mapping[str, Any]) -> PlainJob:
    """The job of a run; raises TypeError for what is said and no job has."""
    known = list(JobFacts.__annotations__)
    if strangers := [name for name in said if name not in known]:
        raise TypeError(f"{RUN.of_strangers(strangers, [*RUN_OPTIONS, *known])} {RUN.usage}")
    usual: dict[str, Any] = {
        "id": "test-job",
        "type": handler.type,
        "attempt": 1,
        "max_attempts": handler.max_attempts,
        "deadline": datetime.now(UTC) + timedelta(seconds=handler.timeout),
        "memory": handler.memory,
    }
    facts = PlainJob(**(usual | dict(said)))
    check_tenant(facts.tenant)
    return facts
