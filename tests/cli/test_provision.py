"""Provisioning: once it creates, twice it does nothing, and what differs is mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cqworker.aws.clients import AwsClients
from cqworker.aws.provision import Step, provision
from cqworker.errors import CqworkerError
from cqworker.settings import QueueSettings, Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


def counts(settings: Settings, count: int = 40) -> dict[str, int]:
    return {queue.name: count for queue in settings.queues}


def actions(steps: list[Step]) -> list[str]:
    return [step.action for step in steps]


def changed(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.what, step.detail) for step in steps if step.action != "unchanged"]


def attributes(sqs: Any, name: str) -> dict[str, str]:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


async def test_everything_is_created_and_a_second_run_changes_nothing(clients: AwsClients, settings: Settings) -> None:
    assert actions(await provision(clients, settings, counts(settings))) == ["created"] * 9
    assert actions(await provision(clients, settings, counts(settings))) == ["unchanged"] * 9


async def test_a_dry_run_tells_all_and_does_nothing(clients: AwsClients, settings: Settings) -> None:
    for _ in range(2):
        assert actions(await provision(clients, settings, counts(settings), dry_run=True)) == ["created"] * 9
    await provision(clients, settings, counts(settings))
    other = QueueSettings(name=settings.queues[0].name, dead_letter_queue=f"{settings.queues[0].name}-x")
    settings = settings.model_copy(update={"queues": (other,)})
    steps = await provision(clients, settings, counts(settings), dry_run=True)
    assert actions(steps) == [*["unchanged"] * 4, "created", "changed", *["unchanged"] * 3]
    assert steps == await provision(clients, settings, counts(settings))


async def test_what_is_created_is_as_the_protocol_needs_it(
    clients: AwsClients, settings: Settings, sqs: Any, dynamodb: Any, s3: Any
) -> None:
    await provision(clients, settings, counts(settings))
    queue = attributes(sqs, settings.queues[0].name)
    dead = attributes(sqs, str(settings.queues[0].dead_letter_queue))
    assert (queue["MessageRetentionPeriod"], queue["VisibilityTimeout"]) == ("1209600", "60")
    assert dead["MessageRetentionPeriod"] == "1209600"
    policy = json.loads(queue["RedrivePolicy"])
    assert (policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])) == (dead["QueueArn"], 40)
    table = dynamodb.describe_table(TableName=settings.store.table)["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    ttl = dynamodb.describe_time_to_live(TableName=settings.store.table)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "purge_at")
    blocked = s3.get_public_access_block(Bucket=settings.artifacts.bucket)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=settings.artifacts.bucket)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


async def test_a_queue_without_dead_letters_gets_no_redrive_policy(
    clients: AwsClients, settings: Settings, sqs: Any
) -> None:
    alone = settings.model_copy(update={"queues": (QueueSettings(name=settings.queues[0].name),)})
    assert actions(await provision(clients, alone, counts(alone))) == ["created"] * 8
    assert "RedrivePolicy" not in attributes(sqs, alone.queues[0].name)


async def test_what_differs_is_mended_and_told(clients: AwsClients, settings: Settings, sqs: Any) -> None:
    name, dead = settings.queues[0].name, str(settings.queues[0].dead_letter_queue)
    sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "86400", "VisibilityTimeout": "5"})
    sqs.create_queue(QueueName=dead, Attributes={"MessageRetentionPeriod": "172800"})
    hidden = "hidden for 60 s (was: hidden for 5 s)"
    steps = await provision(clients, settings, counts(settings))
    assert changed(steps)[4:6] == [
        ("dead-letter queue", "kept for 14 days (was: kept for 2 days)"),
        (
            "queue",
            f"kept for 14 days (was: kept for 1 days); to {dead} after 40 receives (was: none); {hidden}",
        ),
    ]
    steps = await provision(clients, settings, counts(settings, 70))
    assert changed(steps) == [("queue", f"to {dead} after 70 receives (was: to {dead} after 40 receives)")]
    assert set(actions(await provision(clients, settings, counts(settings, 70)))) == {"unchanged"}


async def test_a_table_s_ttl_is_switched_on(clients: AwsClients, settings: Settings, dynamodb: Any) -> None:
    make_table(dynamodb, settings.store.table)
    steps = await provision(clients, settings, counts(settings))
    assert changed(steps)[0] == ("table TTL", "switched on for purge_at")


async def test_a_bucket_without_rules_gets_them_and_one_with_rules_keeps_its_own(
    clients: AwsClients, settings: Settings, s3: Any
) -> None:
    bucket = settings.artifacts.bucket
    s3.create_bucket(Bucket=bucket)
    own = {"Rules": [{"ID": "own", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}]}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=own)
    steps = await provision(clients, settings, counts(settings))
    assert [(step.what, step.action) for step in steps[-3:]] == [
        ("bucket", "unchanged"),
        ("bucket privacy", "changed"),
        ("bucket lifecycle", "unchanged"),
    ]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "own"


async def test_a_table_with_other_keys_is_refused(clients: AwsClients, settings: Settings, dynamodb: Any) -> None:
    make_table(dynamodb, settings.store.table, ("id", "HASH"))
    with pytest.raises(CqworkerError, match=r"has other keys .* id \(HASH, S\)\. Choose another store\.table\."):
        await provision(clients, settings, counts(settings))


async def test_a_ttl_on_another_attribute_is_refused(clients: AwsClients, settings: Settings, dynamodb: Any) -> None:
    make_table(dynamodb, settings.store.table)
    switch_ttl(dynamodb, settings.store.table, "expires")
    with pytest.raises(CqworkerError, match="has its TTL on expires, and cqworker needs it on purge_at"):
        await provision(clients, settings, counts(settings))


def make_table(dynamodb: Any, name: str, *keys: tuple[str, str]) -> None:
    keys = keys or (("pk", "HASH"), ("sk", "RANGE"))
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )


def switch_ttl(dynamodb: Any, table: str, attribute: str) -> None:
    specification = {"Enabled": True, "AttributeName": attribute}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
