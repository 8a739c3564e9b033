"""What the front desk is made of: the duties it calls on, handed over once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from aiohttp import web

from cqworker.clock import Clock
from cqworker.events import Emit
from cqworker.health.service_health import Trouble
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.jobs.submit import Submitter
from cqworker.plugins.registry import Registry
from cqworker.ports import Artifacts
from cqworker.settings import Settings
from cqworker.web.long_poll import LongPolls

T = TypeVar("T")


class Health(Protocol):
    """What the daemon knows about itself; every answer is remembered, nothing is called."""

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
class Parts:
    """The rooms behind the desk; `submitter`, `desk` and `artifacts` are None where only health is served."""

    submitter: Submitter | None
    operator: OperatorActions | None
    registry: Registry
    artifacts: Artifacts | None
    health: Health
    metrics: Callable[[], tuple[bytes, str]]
    settings: Settings
    emit: Emit
    stats: Callable[[str | None], dict[str, object]]
    clock: Clock


PARTS = web.AppKey("parts", Parts)
LONG_POLLS = web.AppKey("waiting_room", LongPolls)
SERVES_API = web.AppKey("serves_api", bool)


def parts_of(request: web.Request) -> Parts:
    """The parts of the application that a request came to."""
    return request.app[PARTS]


def present(part: T | None) -> T:
    """A part that every application with the API has."""
    assert part is not None, "create_app(api=True) needs a submitter, a desk and artifacts"
    return part
