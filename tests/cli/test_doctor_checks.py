"""What doctor finds on AWS, each thing broken on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError

from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import inspect
from cqworker.settings import ArtifactSettings, QueueSettings, Settings
from tests.cli.hands import CLOCK, Failing, Hands, Remembering, bad, denied

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROVISION = "Run `cqworker provision`."


async def test_what_was_provisioned_is_found_to_be_right(clients: AwsClients, untouched: Hands) -> None:
    found = await inspect(clients, untouched.settings, 10, CLOCK)
    assert bad(found) == []
    assert [finding.subject.split()[0] for finding in found] == [
        "credentials", "queue", "dead-letter", "table", "table", "table", "table", "bucket", "bucket", "clock",
    ]  # fmt: skip


async def test_an_inspection_leaves_nothing_behind(clients: AwsClients, untouched: Hands) -> None:
    await inspect(clients, untouched.settings, 10, CLOCK)
    assert untouched.dynamodb.scan(TableName=untouched.settings.store.table)["Count"] == 0
    assert "Contents" not in untouched.s3.list_objects_v2(Bucket=untouched.settings.artifacts.bucket)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = untouched.sqs.get_queue_attributes(QueueUrl=untouched.url(untouched.queue), AttributeNames=counts)[
        "Attributes"
    ]
    assert set(found.values()) == {"0"}


@pytest.mark.parametrize(
    ("harm", "level", "finding"),
    [
        (lambda own: own.remove(own.queue), "error", 'queue {queue}: There is no queue "{queue}" in this account'),
        (lambda own: own.remove(own.dead), "error", 'dead-letter queue {dead}: There is no queue "{dead}" in this'),
        (
            lambda own: own.redrive(own.dead, 39),
            "error",
            "queue {queue}: SQS gives up after 39 receives; jobs of up to",
        ),
        (
            lambda own: own.redrive_elsewhere(),
            "error",
            'queue {queue}: Its redrive policy moves messages to "{dead}-other", the',
        ),
        (
            lambda own: own.change(own.queue, MessageRetentionPeriod="345600"),
            "warning",
            "queue {queue}: It keeps messages for 4 days, not for 14 days: a job that waits longer is lost.",
        ),
        (
            lambda own: own.change(own.dead, MessageRetentionPeriod="345600"),
            "error",
            "dead-letter queue {dead}: It keeps messages for 4 days, the queue for 14",
        ),
        (
            lambda own: own.change(own.queue, VisibilityTimeout="30"),
            "warning",
            "queue {queue}: Its visibility timeout is 30 s, queues.visibility_timeout is 60 s.",
        ),
        (lambda own: own.remove_table(), "error", 'table {table}: There is no table "{table}" in this account'),
        (
            lambda own: own.other_table(),
            "error",
            'table {table}: The keys of table "{table}" are not pk and sk, both strings.',
        ),
        (lambda own: own.ttl("purge_at", enabled=False), "error", "table {table}: Its TTL is off"),
        (lambda own: own.ttl_elsewhere(), "error", "table {table}: Its TTL is on expires, not on purge_at."),
        (
            lambda own: own.s3.delete_bucket(Bucket=own.settings.artifacts.bucket),
            "error",
            'bucket {bucket}: There is no bucket "{bucket}" in this account and region.',
        ),
    ],
)
async def test_each_harm_is_found(
    clients: AwsClients, hands: Hands, harm: Callable[[Hands], object], level: str, finding: str
) -> None:
    harm(hands)
    names = {"queue": hands.queue, "dead": hands.dead, "table": hands.settings.store.table}
    expected = finding.format(**names, bucket=hands.settings.artifacts.bucket)
    found = bad(await inspect(clients, hands.settings, 10, CLOCK))
    assert any(told_level == level and what.startswith(expected) for told_level, what in found), found


async def test_a_missing_redrive_policy_is_found(clients: AwsClients, hands: Hands) -> None:
    other = QueueSettings(name=f"{hands.queue}-2", dead_letter_queue=hands.dead)
    hands.sqs.create_queue(
        QueueName=other.name, Attributes={"MessageRetentionPeriod": "1209600", "VisibilityTimeout": "60"}
    )
    settings = hands.settings.model_copy(update={"queues": (other,)})
    ((level, what),) = bad(await inspect(clients, settings, 10, CLOCK))
    policy = f'It has no redrive policy, and the settings give it the dead-letter queue "{hands.dead}".'
    assert (level, what) == ("error", f"queue {other.name}: {policy}")


async def test_a_queue_without_dead_letters_is_warned_of(clients: AwsClients, hands: Hands) -> None:
    settings = hands.settings.model_copy(update={"queues": (QueueSettings(name=hands.queue),)})
    [finding] = [each for each in await inspect(clients, settings, 10, CLOCK) if each.level != "ok"]
    assert (finding.level, f'moves messages to "{hands.dead}"' in finding.what) == ("error", True)
    assert finding.fix == f'Set dead_letter_queue = "{hands.dead}" for it.'
    hands.change(hands.queue, RedrivePolicy="")
    ((level, what),) = bad(await inspect(clients, settings, 10, CLOCK))
    assert (level, "has no dead-letter queue" in what) == ("warning", True)


async def test_a_configured_limit_that_is_too_low_is_found_with_the_number_that_helps(
    clients: AwsClients, hands: Hands
) -> None:
    hands.redrive(hands.dead, 5)
    queue = hands.settings.queues[0].model_copy(update={"max_receive_count": 5})
    found = await inspect(clients, hands.settings.model_copy(update={"queues": (queue,)}), 20, CLOCK)
    (finding,) = [finding for finding in found if finding.level == "error"]
    assert finding.fix == f"Raise queues.max_receive_count to 70 or leave it out. {PROVISION}"


class Off:
    """A clock that is wrong."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> int:
        return CLOCK.now() + int(self._seconds * 1000)

    def monotonic(self) -> float:
        return CLOCK.monotonic()


@pytest.mark.parametrize(
    ("seconds", "level", "side"),
    [(10, "warning", "ahead of"), (-10, "warning", "behind"), (300, "error", "ahead of"), (-300, "error", "behind")],
)
async def test_a_clock_that_is_wrong_is_found(
    looks: Remembering, untouched: Hands, seconds: float, level: str, side: str
) -> None:
    ((found, what),) = bad(await inspect(looks, untouched.settings, 10, Off(seconds)))
    assert found == level
    assert f"s {side} AWS's" in what


@pytest.mark.parametrize(
    ("operation", "level", "fix"),
    [
        ("GetQueueAttributes", "error", "Allow sqs:GetQueueAttributes on it"),
        ("SendMessageBatch", "error", "Allow sqs:SendMessage on it"),
        ("DeleteMessageBatch", "error", "Allow sqs:DeleteMessage on it"),
        ("ChangeMessageVisibilityBatch", "error", "Allow sqs:ChangeMessageVisibility on it"),
        ("GetItem", "error", "Allow dynamodb:GetItem on it"),
        ("PutItem", "error", "Allow dynamodb:PutItem on it"),
        ("UpdateItem", "error", "Allow dynamodb:UpdateItem on it"),
        ("Query", "error", "Allow dynamodb:Query on it"),
        ("BatchGetItem", "error", "Allow dynamodb:BatchGetItem on it"),
        ("DeleteItem", "error", "Allow dynamodb:DeleteItem on it"),
        ("BatchExecuteStatement", "warning", "Allow dynamodb:PartiQLUpdate on it"),
        ("DescribeTable", "info", "Allow dynamodb:DescribeTable on it"),
        ("DescribeTimeToLive", "info", "Allow dynamodb:DescribeTimeToLive on it"),
        ("Scan", "info", "Allow dynamodb:Scan on it"),
        ("GetBucketEncryption", "info", "Allow s3:GetEncryptionConfiguration on it"),
        ("PutObject", "error", "Allow s3:PutObject on it"),
        ("GetObject", "error", "Allow s3:GetObject on it"),
    ],
)
async def test_what_a_role_is_not_allowed_is_found_with_the_action_to_allow(
    looks: Remembering, untouched: Hands, operation: str, level: str, fix: str
) -> None:
    found = [
        each for each in await inspect(Failing(looks, denied(), operation), untouched.settings, 10, CLOCK) if each.fix
    ]
    assert [finding.level for finding in found] == [level]
    assert found[0].fix.startswith(fix)


async def test_sources_that_cannot_be_read_are_warned_of(looks: Remembering, untouched: Hands) -> None:
    own = untouched.settings.artifacts
    artifacts = ArtifactSettings(bucket=own.bucket, sources=(f"s3://{own.bucket}/in/", "s3://not-there-at-all/x"))
    found = bad(await inspect(looks, untouched.settings.model_copy(update={"artifacts": artifacts}), 10, CLOCK))
    assert [what.partition(": ")[0] for _, what in found] == ["source s3://not-there-at-all/x"]


async def test_reading_is_tried_below_the_slash_that_ends_a_source(looks: Remembering, untouched: Hands) -> None:
    settings = untouched.settings.artifacts
    artifacts = ArtifactSettings(bucket=settings.bucket, sources=(f"s3://{settings.bucket}/in",))
    found = await inspect(looks, untouched.settings.model_copy(update={"artifacts": artifacts}), 10, CLOCK)
    assert f"Reading s3://{settings.bucket}/in/ is allowed." in [finding.what for finding in found]


async def test_a_service_that_is_away_is_told_once(looks: Remembering, untouched: Hands) -> None:
    away = EndpointConnectionError(endpoint_url="http://127.0.0.1:1", error="refused")
    calls = Failing(looks, away, "GetQueueUrl", "GetQueueAttributes")
    found = bad(await inspect(calls, untouched.settings, 10, CLOCK))
    assert [(level, what.partition(": ")[0]) for level, what in found] == [("error", f"queue {untouched.queue}")]


@pytest.mark.parametrize(("name", "subject"), [("AWS_REGION", "region"), ("AWS_ACCESS_KEY_ID", "credentials")])
async def test_without_region_or_credentials_nothing_else_is_asked(
    clients: AwsClients, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, subject: str
) -> None:
    for each in (name, "AWS_SECRET_ACCESS_KEY") if subject == "credentials" else (name,):
        monkeypatch.delenv(each)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    (finding,) = await inspect(clients, settings, 10, CLOCK)
    assert (finding.level, finding.subject) == ("error", subject)
