"""Says in the fleet's control that every daemon knows a feature: what would be run wrongly by an older one."""

from __future__ import annotations

from collections.abc import Sequence

from cqworker.aws.aws_call import Calls
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.provision.step import Step
from cqworker.clock import SystemClock


async def enable(clients: Calls, table: str, features: Sequence[str], *, dry_run: bool = False) -> list[Step]:
    """What was done for each. A dry run only looks. Raises Unavailable."""
    fleet, steps = DynamoFleet(clients, table, SystemClock()), list[Step]()
    for feature in features:
        known = feature in (await fleet.control()).enabled if dry_run else not await fleet.enable(feature)
        steps.append(Step("feature", feature, "unchanged" if known else "changed", "enabled"))
    return steps
