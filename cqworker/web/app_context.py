"""What the HTTP API calls on: handed over once, when the application is created."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from aiohttp import web

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.fleet.fleet_actions import FleetActions
from cqworker.fleet.limit_actions import LimitActions
from cqworker.health.service_health import Trouble
from cqworker.jobs.job_lists import JobLists
from cqworker.jobs.operation_actions import OperationActions
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


def count_nothing(queue: str) -> Mapping[str, int]:  # noqa: ARG001 - the signature is depth_of's
    """Where nobody asks queues for their depth."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """What the routes call on; where only health is served the first five and `artifacts` are None.

    `depth_of` gives the messages of a queue by state, as they were last counted here.
    """

    submitter: Submitter | None
    operator: OperatorActions | None
    lists: JobLists | None
    operations: OperationActions | None
    fleet: FleetActions | None
    limits: LimitActions | None
    registry: Registry
    artifacts: Artifacts | None
    health: Health
    metrics: Callable[[], tuple[bytes, str]]
    settings: Settings
    emit: Emit
    stats: Callable[[str | None], dict[str, object]]
    clock: Clock
    depth_of: Callable[[str], Mapping[str, int]] = count_nothing


APP_CONTEXT = web.AppKey("app_context", AppContext)
LONG_POLLS = web.AppKey("long_polls", LongPolls)


def context_of(request: web.Request) -> AppContext:
    """The context of the application that a request came to."""
    return request.app[APP_CONTEXT]


def require(part: T | None) -> T:
    """The part, which every application with the API has."""
    assert part is not None, "create_app(api=True) needs a submitter, operator actions and artifacts"
    return part
