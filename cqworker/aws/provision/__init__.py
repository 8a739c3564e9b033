"""Creates or mends the table, the queues and the bucket; what is right already is left alone."""

from __future__ import annotations

from collections.abc import Mapping

from cqworker.aws.aws_call import Calls
from cqworker.aws.provision.create_bucket import ensure_bucket
from cqworker.aws.provision.create_queues import ensure_queue
from cqworker.aws.provision.create_table import ensure_table
from cqworker.aws.provision.enable_features import enable
from cqworker.aws.provision.step import Step
from cqworker.settings import Settings

__all__ = ["Step", "enable", "provision"]


async def provision(
    clients: Calls, settings: Settings, max_receive_counts: Mapping[str, int], *, dry_run: bool = False
) -> list[Step]:
    """What was done, in order; `max_receive_counts` by queue name. A dry run only looks.

    Raises Unavailable as soon as a service does not do its part (running it again goes on from there), and
    CqworkerError where what exists cannot be mended.
    """
    steps = await ensure_table(clients, settings.store.table, list_all=settings.store.list_all, dry_run=dry_run)
    for queue in settings.queues:
        steps += await ensure_queue(clients, queue, max_receive_counts[queue.name], dry_run=dry_run)
    return steps + await ensure_bucket(clients, settings.artifacts.bucket, dry_run=dry_run)
