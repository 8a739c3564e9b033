"""Levels of a queue at the command line: provisioned, inspected, asked for, changed, and seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import inspect
from cqworker.aws.dynamodb.fleet_store import DynamoFleet
from cqworker.aws.provision import provision
from cqworker.cli.fleet_text import print_queues
from cqworker.ports.fleet import Heartbeat, LevelCount
from cqworker.settings import Settings
from tests.cli.hands import CLOCK, bad
from tests.cli.running import invoke

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def levelled(settings: Settings) -> Settings:
    queue = settings.queues[0].model_copy(update={"priorities": ("high", "medium", "low")})
    return settings.model_copy(update={"queues": (queue,)})


async def test_each_level_has_a_queue_and_all_have_one_for_dead_letters(
    clients: AwsClients, levelled: Settings, sqs: Any
) -> None:
    [queue] = levelled.queues
    steps = await provision(clients, levelled, {queue.name: 40})
    named = [step.name for step in steps if "queue" in step.what]
    assert named == [queue.dead_letter_queue, f"{queue.name}-high", queue.name, f"{queue.name}-low"]
    for name in queue.queues:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert json.loads(found["RedrivePolicy"])["deadLetterTargetArn"].endswith(f":{queue.dead_letter_queue}")
        assert found["MessageRetentionPeriod"] == "1209600"
    again = await provision(clients, levelled, {queue.name: 40})
    assert {step.action for step in again} == {"unchanged"}
    found = await inspect(clients, levelled, 10, CLOCK)
    assert bad(found) == []
    assert [one.subject for one in found if one.subject.startswith("queue ")] == [
        f"queue {name}" for name in queue.queues
    ]


async def test_a_level_whose_queue_is_missing_is_named(clients: AwsClients, levelled: Settings, sqs: Any) -> None:
    [queue] = levelled.queues
    await provision(clients, levelled, {queue.name: 40})
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=f"{queue.name}-low")["QueueUrl"])
    [(level, what)] = bad(await inspect(clients, levelled, 10, CLOCK))
    assert (level, f'There is no queue "{queue.name}-low"' in what) == ("error", True)


async def test_a_level_that_was_taken_out_with_messages_in_it_is_named(
    clients: AwsClients, levelled: Settings, sqs: Any
) -> None:
    [queue] = levelled.queues
    await provision(clients, levelled, {queue.name: 40})
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=f"{queue.name}-low")["QueueUrl"], MessageBody="x")
    two = queue.model_copy(update={"priorities": ("high", "medium")})
    found = await inspect(clients, levelled.model_copy(update={"queues": (two,)}), 10, CLOCK)
    [warning] = [one for one in found if one.level == "warning"]
    assert f'About 1 messages are in "{queue.name}-low", which is no level of this queue' in warning.what
    assert f'[[queues]] name = "{queue.name}-low"' in warning.fix
    drained = queue.model_copy(update={"name": f"{queue.name}-low", "priorities": (), "dead_letter_queue": None})
    mended = levelled.model_copy(update={"queues": (two, drained)})
    assert not any("no level" in one.what for one in await inspect(clients, mended, 10, CLOCK))


async def test_a_live_worker_from_before_priorities_is_named(clients: AwsClients, levelled: Settings) -> None:
    [queue] = levelled.queues
    await provision(clients, levelled, {queue.name: 40})
    fleet = DynamoFleet(clients, levelled.store.table, CLOCK)
    said: dict[str, Any] = {"boot": "b", "seen": CLOCK.now(), "queues": (queue.name,)}
    await fleet.heartbeat(Heartbeat(worker="old", release="0.1", **said), first=True)
    levels = tuple(LevelCount(name) for name in queue.queues)
    await fleet.heartbeat(Heartbeat(worker="new", levels=levels, **said), first=True)
    [(level, what)] = bad(await inspect(clients, levelled, 10, CLOCK))
    assert level == "warning"
    assert "The worker old (release 0.1) receives no messages of high, medium, low" in what


async def test_a_level_is_asked_for_by_name_or_number_and_nothing_else() -> None:
    for wrong in ("urgent", "10", "-1"):
        result = invoke("submit", "text.transform", "{}", "--priority", wrong)
        assert (result.exit_code, "none of highest, high, medium, low, lowest" in result.output) == (64, True), wrong


async def test_levels_are_shown_below_the_queues(capsys: pytest.CaptureFixture[str]) -> None:
    level = {"priority": "high", "messages": {"visible": 12}, "oldest": 3, "starts": 200, "share": 0.6123}
    queue = {"queue": "jobs", "state": "running", "until": None, "workers": ["w"], "messages": {"visible": 12}}
    print_queues([queue | {"by": None, "reason": None, "levels": [level]}])
    assert capsys.readouterr().out.splitlines()[-1] == "  jobs high: 12 waiting, oldest 3 s, 61% of all starts"
