"""What an inspection says of limits: whether they are enabled, and which daemons are of another version."""

from __future__ import annotations

from typing import Any

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import CheckResult, inspect
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.provision import enable, provision
from cqworker.ports.fleet import Heartbeat
from cqworker.settings import Settings
from cqworker.settings.limit_settings import LimitSettings
from tests.cli.hands import CLOCK

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def said_of_limits(clients: AwsClients, settings: Settings, *limits: str) -> list[CheckResult]:
    limited = settings.model_copy(update={"limits": {key: LimitSettings(concurrency=3) for key in limits}})
    return [one for one in await inspect(clients, limited, 10, CLOCK) if one.subject == "limits"]


async def test_it_says_whether_limits_are_enabled_and_who_is_of_another_version(
    clients: AwsClients, settings: Settings
) -> None:
    await provision(clients, settings, {queue.name: 40 for queue in settings.queues})
    assert await said_of_limits(clients, settings) == []
    [info] = await said_of_limits(clients, settings, "type:work")
    assert (info.level, "not enabled" in info.what) == ("info", True)
    fleet = DynamoFleet(clients, settings.store.table, CLOCK)
    said: dict[str, Any] = {"boot": "b", "seen": CLOCK.now()}
    await fleet.heartbeat(Heartbeat(worker="old", version="0.1", **said), first=True)
    [warning] = await said_of_limits(clients, settings, "key:*")
    assert warning.level == "warning"
    assert warning.what.endswith("are at work: old (0.1).")
    assert "provision --enable limits" in warning.fix
    await enable(clients, settings.store.table, ["limits"])
    [good] = await said_of_limits(clients, settings, "key:*")
    assert (good.level, good.fix) == ("ok", "")
