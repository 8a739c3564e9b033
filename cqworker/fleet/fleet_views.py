"""Workers and queues as people and programs see them, over HTTP and at the command line alike."""

from __future__ import annotations

from collections.abc import Mapping

from cqworker.fleet.fleet_actions import QueueStanding
from cqworker.fleet.fleet_counts import FleetCounts
from cqworker.model.timestamps import rfc3339
from cqworker.ports.fleet import FleetMember, QueueState, WorkerState

View = dict[str, object]
NOTHING: Mapping[str, int] = {}


def worker_view(member: FleetMember, now: int) -> View:
    """A worker as JSON, at `now` (epoch ms)."""
    said, orders = member.heartbeat, member.orders
    return {
        "worker": said.worker,
        "state": said.state,
        "is_silent": said.state is not WorkerState.STOPPED and not said.is_alive(now),
        "seen": rfc3339(said.seen),
        "started_at": rfc3339(said.started_at),
        "version": said.version,
        "release": said.release,
        "host": said.host,
        "roles": list(said.roles),
        "queues": list(said.queues),
        "slots": {"taken": said.busy, "total": said.slots},
        "oldest": [{"job_id": job.job_id, "type": job.type, "since": rfc3339(job.since)} for job in said.oldest],
        "counts": {job_type: dict(counted) for job_type, counted in said.counts.items()},
        "leases": said.leases,
        "loop_lag": said.lag / 1000,
        "memory": said.memory,
        "write_units": said.write_units,
        "read_units": said.read_units,
        "command": orders.command,
        "is_acknowledged": orders.command is None or said.obeyed >= orders.revision,
    }


def counts_view(counted: FleetCounts) -> View:
    """The counts as JSON."""
    return {
        "since": None if counted.since is None else rfc3339(counted.since),
        "by_type": {job_type: dict(outcomes) for job_type, outcomes in counted.by_type.items()},
        "removed": {
            day: {job_type: dict(outcomes) for job_type, outcomes in counts.items()}
            for day, counts in counted.removed.items()
        },
        "running": dict(counted.running),
        "unnamed": counted.unnamed,
    }


def queue_view(standing: QueueStanding, messages: Mapping[str, int] = NOTHING) -> View:
    """A queue as JSON; `messages` by state, where they were counted."""
    order = standing.order
    return {
        "queue": standing.name,
        "state": order.state if order else QueueState.RUNNING,
        "until": rfc3339(order.until) if order and order.until is not None else None,
        "since": rfc3339(order.since) if order else None,
        "by": (order.by or None) if order else None,
        "reason": (order.reason or None) if order else None,
        "workers": list(standing.workers),
        "messages": dict(messages),
    }
