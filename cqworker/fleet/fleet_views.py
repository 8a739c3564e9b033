"""Workers and queues as people and programs see them, over HTTP and at the command line alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from cqworker.fleet.fleet_actions import QueueStanding
from cqworker.fleet.fleet_counts import FleetCounts
from cqworker.model.priorities import MEDIUM
from cqworker.model.timestamps import rfc3339
from cqworker.ports.fleet import FleetMember, QueueState, WorkerState

View = dict[str, object]
NOTHING: Mapping[str, int] = {}
DepthOf = Callable[[str], Mapping[str, int]]
"""The messages of an SQS queue by state; none where nobody counts them."""


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


def queue_view(standing: QueueStanding, depth_of: DepthOf = lambda _: NOTHING) -> View:
    """A queue as JSON; `depth_of` has the messages of an SQS queue by state, where they were counted."""
    order = standing.order
    depths = {level.queue: depth_of(level.queue) for level in standing.levels}
    messages = Counter[str]() if depths else Counter(depth_of(standing.name))
    for depth in depths.values():
        messages.update(depth)
    total = sum(level.starts for level in standing.levels)
    return {
        "queue": standing.name,
        "state": order.state if order else QueueState.RUNNING,
        "until": rfc3339(order.until) if order and order.until is not None else None,
        "since": rfc3339(order.since) if order else None,
        "by": (order.by or None) if order else None,
        "reason": (order.reason or None) if order else None,
        "workers": list(standing.workers),
        "messages": dict(messages),
        "levels": [
            {
                "priority": level.queue.removeprefix(f"{standing.name}-") if level.queue != standing.name else MEDIUM,
                "queue": level.queue,
                "messages": dict(depths[level.queue]),
                "oldest": level.oldest,
                "starts": level.starts,
                "share": round(level.starts / total, 4) if total else None,
            }
            for level in standing.levels
        ],
    }
