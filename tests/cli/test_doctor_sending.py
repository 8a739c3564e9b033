"""What doctor finds of queues that the configuration does not have, and others on the same table name."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from msgspec.structs import replace

from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import inspect
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.dynamodb.items import item_of
from cqworker.model.record import JobRecord, shard_of
from cqworker.model.status import Status
from cqworker.ports.fleet import Heartbeat
from tests.cli.hands import CLOCK, Failing, Hands, bad, denied

pytestmark = pytest.mark.asyncio(loop_scope="module")


def put_due(hands: Hands, queue: str) -> None:
    """A job that waits for its time, in a queue that another fleet on this table may have."""
    job_id, now = uuid4().hex, int(time.time() * 1000)
    record = JobRecord(
        job_id=job_id,
        type="reports.build",
        queue=queue,
        tenant="default",
        status=Status.SCHEDULED,
        max_attempts=1,
        created_at=now,
        purge_at=now // 1000 + 2_592_000,
        scheduled_at=now + 86_400_000,
        due=shard_of(job_id),
    )
    hands.dynamodb.put_item(TableName=hands.settings.store.table, Item=item_of(record))


async def put_worker(clients: AwsClients, hands: Hands, queue: str) -> None:
    fleet = DynamoFleet(clients, hands.settings.store.table, CLOCK)
    said = Heartbeat(worker="reports.1", boot="b", seen=CLOCK.now(), queues=(queue,), slots=1)
    assert await fleet.heartbeat(said, first=True) is not None
    assert await fleet.heartbeat(replace(said, worker="gone", seen=0, queues=("long-gone",)), first=True) is not None


async def test_a_queue_that_jobs_name_and_that_is_not_there_is_warned_of(clients: AwsClients, hands: Hands) -> None:
    put_due(hands, "reports-elsewhere")
    put_due(hands, "reports-elsewhere")
    put_due(hands, hands.queue)
    [finding] = [each for each in await inspect(clients, hands.settings, 10, CLOCK) if each.level != "ok"]
    assert (finding.level, finding.subject) == ("warning", "queue reports-elsewhere")
    assert finding.what == (
        "2 jobs that wait for their time name it, and it is not in this account and region: they are not sent."
    )
    assert finding.fix == (
        "Create it, or cancel them: `cqworker jobs list --status SCHEDULED --queue reports-elsewhere` lists them."
    )
    assert bad(await inspect(clients, hands.settings, 10, CLOCK, records=0)) == []


async def test_a_queue_that_others_poll_and_that_this_role_may_not_send_to_is_warned_of(
    clients: AwsClients, hands: Hands
) -> None:
    other = f"{hands.queue}-reports"
    hands.sqs.create_queue(QueueName=other)
    await put_worker(clients, hands, other)
    put_due(hands, other)
    named = f"queue {other}: 1 job that waits for its time and the worker reports.1 name it"
    found = await inspect(clients, hands.settings, 10, CLOCK)
    assert bad(found) == []
    assert f"{named}; sending is allowed." in [f"{each.subject}: {each.what}" for each in found]
    found = await inspect(Failing(clients, denied(), "SendMessageBatch"), hands.settings, 10, CLOCK)
    ours, theirs = [each for each in found if each.level != "ok"]
    assert (ours.level, ours.subject) == ("error", f"queue {hands.queue}")
    assert (theirs.level, f"{theirs.subject}: {theirs.what}") == (
        "warning",
        f"{named}, and this role may not send to it: what it sweeps there is not sent.",
    )
    for each in (ours, theirs):
        assert each.fix.startswith("Allow sqs:SendMessage on it in the policy of the role.")


async def test_trying_to_send_leaves_no_message_behind(clients: AwsClients, hands: Hands) -> None:
    found = await inspect(clients, hands.settings, 10, CLOCK, roles={"api"})
    assert "Reachable; sending is allowed; about 0 messages wait." in [each.what for each in found]
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    told = hands.sqs.get_queue_attributes(QueueUrl=hands.url(hands.queue), AttributeNames=names)["Attributes"]
    assert set(told.values()) == {"0"}
