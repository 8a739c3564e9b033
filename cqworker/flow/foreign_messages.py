"""A message that is none of ours is left to the redrive policy, and counted: it never kills a poller."""

from __future__ import annotations

import hashlib

from cqworker.events import ForeignMessage
from cqworker.ports import Delivery


def foreign_message(delivery: Delivery, reason: str) -> ForeignMessage:
    """The event for a message that is no envelope: its body is never logged, only its hash."""
    return ForeignMessage(
        queue=delivery.queue,
        message_id=delivery.message_id,
        reason=reason,
        sha256=hashlib.sha256(delivery.body.encode("utf-8", "replace")).hexdigest(),
        receive_count=delivery.receive_count,
    )
