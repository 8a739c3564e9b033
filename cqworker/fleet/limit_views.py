"""Limits as people and programs see them, over HTTP and at the command line alike."""

from __future__ import annotations

from cqworker.fleet.limit_actions import LimitStanding
from cqworker.model.limits import Limit, tenant_of_key
from cqworker.model.timestamps import rfc3339

View = dict[str, object]


def limit_view(standing: LimitStanding) -> View:
    """A limit as JSON."""
    limit, order, oldest = standing.limit or Limit(), standing.order, standing.oldest
    until = order.until if order is not None else limit.until
    return {
        "key": standing.key,
        "tenant": tenant_of_key(standing.key),
        "limit_key": standing.limit_key,
        "is_limited": standing.limit is not None,
        "is_paused": limit.concurrency == 0,
        "concurrency": limit.concurrency,
        "rate": None if limit.rate is None else str(limit.rate),
        "burst": None if limit.rate is None else limit.starts_at_once,
        "on_full": limit.on_full,
        "max_waiting": None if limit.concurrency is None else limit.max_waiting,
        "until": None if until is None else rfc3339(until),
        "said_by": "nobody" if standing.limit is None else "operator" if order is not None else "file",
        "since": rfc3339(order.since) if order is not None else None,
        "by": (order.by or None) if order is not None else None,
        "reason": (order.reason or None) if order is not None else None,
        "held": standing.held,
        "dead": standing.dead,
        "waiting": standing.waiting,
        "is_full": standing.is_full,
        "oldest_waiting": None
        if oldest is None
        else {"job_id": oldest.job_id, "since": rfc3339(oldest.parked_at), "created_at": rfc3339(oldest.created_at)},
        "next_start": None if standing.next_start is None else rfc3339(standing.next_start),
    }
