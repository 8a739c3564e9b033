"""The daemon's state as /status, /readyz and /healthz show it."""

from __future__ import annotations

from collections.abc import Callable

from cqworker.events.fleet_events import FleetMeasured
from cqworker.health.service_health import ServiceHealth, Trouble
from cqworker.settings import Settings
from cqworker.worker.worker import Worker


class StatusReport:
    """Joins what the services' health and the worker say; `worker` is None where only the api role runs here."""

    def __init__(
        self,
        health: ServiceHealth,
        worker: Worker | None,
        settings: Settings,
        name: str,
        measured: Callable[[], FleetMeasured | None] = lambda: None,
    ) -> None:
        """`measured` is what this daemon last measured of the fleet, where it is the one that does."""
        self._health = health
        self._worker = worker
        self._settings = settings
        self._name = name
        self._measured = measured

    def liveness(self) -> tuple[str, ...]:
        """Why the process should be restarted; empty while it should not."""
        return self._health.liveness()

    def readiness(self) -> tuple[Trouble, ...]:
        """Why the daemon should get no new work; empty while it may."""
        return self._health.readiness()

    def status(self) -> dict[str, object]:
        """Phase, queues, slots and leases as they are now."""
        phase = "draining" if self._health.draining else "ready" if not self._health.readiness() else "unready"
        queues = [queue.name for queue in self._settings.queues]
        shown: dict[str, object] = {"worker": self._name, "phase": phase, "queues": queues}
        if (fleet := self._measured()) is not None:
            shown["fleet"] = _fleet_json(fleet)
        if self._worker is None:
            return shown
        slots = {"taken": self._worker.capacity.taken, "total": self._worker.capacity.total}
        workers = zip(queues, self._worker.queue_workers, strict=True)
        leases = {queue: len(worker.leases) for queue, worker in workers}
        abandoned = len(self._worker.executor.stragglers)
        return shown | {"slots": slots, "leases": leases, "abandoned_handlers": abandoned}


def _fleet_json(measured: FleetMeasured) -> dict[str, object]:
    slots = max(1, measured.slots)
    return {
        "workers": measured.live,
        "silent": measured.silent,
        "slots": {"taken": measured.busy, "total": measured.slots},
        "utilization": round(measured.busy / slots, 4),
        "backlog": measured.backlog,
        "backlog_per_slot": round(measured.backlog / slots, 4),
        "desired_workers": measured.desired,
        "oldest_age": round(measured.oldest, 3),
    }
