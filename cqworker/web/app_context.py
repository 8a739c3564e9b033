"""What the HTTP API calls on: handed over once, when the application is created."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from aiohttp import web

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.health.service_health import Trouble
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Submitter
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts
from cqworker.settings import Settings
from cqworker.web.long_poll import LongPolls

T = TypeVar("T")


class Health(Protocol):
    """What the daemon knows about itself; every answer is from memory, no service is called."""

    def liveness(self) -> tuple[str, ...]:
        """Why this process should be restarted; empty when it is healthy."""
        ...

    def readiness(self) -> tuple[Trouble, ...]:
        """What keeps it from its work now; empty when it is ready."""
        ...

    def status(self) -> dict[str, object]:
        """Queues, slots, leases and phase."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """What the routes call on; None where only health is served: `submitter`, `operator`, `lists`, `artifacts`."""

    submitter: Submitter | None
    operator: OperatorActions | None
    lists: JobLists | None
    registry: Registry
    artifacts: Artifacts | None
    health: Health
    metrics: Callable[[], tuple[bytes, str]]
    settings: Settings
    emit: Emit
    stats: Callable[[str | None], dict[str, object]]
    clock: Clock


APP_CONTEXT = web.AppKey("app_context", AppContext)
LONG_POLLS = web.AppKey("long_polls", LongPolls)


def context_of(request: web.Request) -> AppContext:
    """The context of the application that a request came to."""
    return request.app[APP_CONTEXT]


def require(part: T | None) -> T:
    """The part, which every application with the API has."""
    assert part is not None, "create_app(api=True) needs a submitter, operator actions and artifacts"
    return part
