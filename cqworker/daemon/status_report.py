"""The daemon's state as /status, /readyz and /healthz show it."""

from __future__ import annotations

from cqworker.health.service_health import ServiceHealth, Trouble
from cqworker.settings import Settings
from cqworker.worker.worker import Worker


class StatusReport:
    """Joins what the services' health and the worker say; `worker` is None where only the api role runs here."""

    def __init__(self, health: ServiceHealth, worker: Worker | None, settings: Settings, name: str) -> None:
        self._health = health
        self._worker = worker
        self._settings = settings
        self._name = name

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
        if self._worker is None:
            return shown
        slots = {"taken": self._worker.capacity.taken, "total": self._worker.capacity.total}
        workers = zip(queues, self._worker.queue_workers, strict=True)
        leases = {queue: len(worker.leases) for queue, worker in workers}
        abandoned = len(self._worker.executor.stragglers)
        return shown | {"slots": slots, "leases": leases, "abandoned_handlers": abandoned}
