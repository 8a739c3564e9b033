"""What doctor finds on AWS, each thing broken on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError, EndpointConnectionError

from cqworker.aws.calls import DEADLINE, Answer, Calls, Read, Request
from cqworker.aws.clients import AwsClients
from cqworker.aws.inspection import Finding, inspect
from cqworker.aws.operations import Operation
from cqworker.aws.provision import provision
from cqworker.aws.translation import translate
from cqworker.clock import SystemClock
from cqworker.settings import ArtifactSettings, QueueSettings, Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLOCK = SystemClock()
PROVISION = "Run `cqworker provision`."


class Hands:
    """An operator who changes what was provisioned."""

    def __init__(self, settings: Settings, sqs: Any, dynamodb: Any, s3: Any) -> None:
        self.settings, self.sqs, self.dynamodb, self.s3 = settings, sqs, dynamodb, s3
        self.queue = settings.queues[0].name
        self.dead = str(settings.queues[0].dead_letter_queue)

    def url(self, name: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def change(self, name: str, **attributes: str) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.url(name), Attributes=attributes)

    def redrive(self, target: str, count: int) -> None:
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url(target), AttributeNames=["QueueArn"])["Attributes"]
        policy = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": count}
        self.change(self.queue, RedrivePolicy=json.dumps(policy))

    def redrive_elsewhere(self) -> None:
        self.sqs.create_queue(QueueName=f"{self.dead}-other")
        self.redrive(f"{self.dead}-other", 40)

    def remove(self, name: str) -> None:
        self.sqs.delete_queue(QueueUrl=self.url(name))

    def remove_table(self) -> None:
        self.dynamodb.delete_table(TableName=self.settings.store.table)

    def other_table(self) -> None:
        self.remove_table()
        self.dynamodb.create_table(
            TableName=self.settings.store.table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def ttl(self, attribute: str, *, enabled: bool) -> None:
        specification = {"Enabled": enabled, "AttributeName": attribute}
        self.dynamodb.update_time_to_live(TableName=self.settings.store.table, TimeToLiveSpecification=specification)

    def ttl_elsewhere(self) -> None:
        self.ttl("purge_at", enabled=False)
        self.ttl("expires", enabled=True)


class Failing:
    """Calls of which some end with an error of the SDK."""

    def __init__(self, calls: Calls, error: Exception, *operations: str) -> None:
        self._calls = calls
        self._error = error
        self._operations = operations

    async def call(
        self, operation: Operation, request: Request, about: str, *, seconds: float = DEADLINE, read: Read | None = None
    ) -> Answer:
        if operation.name in self._operations:
            raise translate(self._error, operation, about, ambiguous=False)
        return await self._calls.call(operation, request, about, seconds=seconds, read=read)


def denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "any")


@pytest_asyncio.fixture(loop_scope="module")
async def hands(clients: AwsClients, settings: Settings, sqs: Any, dynamodb: Any, s3: Any) -> Hands:
    await provision(clients, settings, {settings.queues[0].name: 40})
    return Hands(settings, sqs, dynamodb, s3)


def bad(found: list[Finding]) -> list[tuple[str, str]]:
    assert all(finding.fix for finding in found if finding.level != "ok")
    return [(finding.level, f"{finding.subject}: {finding.what}") for finding in found if finding.level != "ok"]


async def test_what_was_provisioned_is_found_to_be_right(clients: AwsClients, hands: Hands) -> None:
    found = await inspect(clients, hands.settings, 10, CLOCK)
    assert bad(found) == []
    assert [finding.subject.split()[0] for finding in found] == [
        "credentials", "queue", "dead-letter", "table", "table", "bucket", "bucket", "clock",
    ]  # fmt: skip


async def test_an_inspection_leaves_nothing_behind(clients: AwsClients, hands: Hands) -> None:
    await inspect(clients, hands.settings, 10, CLOCK)
    assert hands.dynamodb.scan(TableName=hands.settings.store.table)["Count"] == 0
    assert "Contents" not in hands.s3.list_objects_v2(Bucket=hands.settings.artifacts.bucket)
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = hands.sqs.get_queue_attributes(QueueUrl=hands.url(hands.queue), AttributeNames=counts)["Attributes"]
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
        (lambda own: own.redrive_elsewhere(), "error", "queue {queue}: Its redrive policy names {dead}-other"),
        (
            lambda own: own.change(own.queue, MessageRetentionPeriod="345600"),
            "warning",
            "queue {queue}: It keeps messages for 4 days of 14: a job that waits longer is lost.",
        ),
        (
            lambda own: own.change(own.dead, MessageRetentionPeriod="345600"),
            "error",
            "dead-letter queue {dead}: It keeps messages for 4 days, the queue for 14",
        ),
        (
            lambda own: own.change(own.queue, VisibilityTimeout="30"),
            "warning",
            "queue {queue}: Its visibility timeout is 30 s, queues.visibility_timeout 60 s.",
        ),
        (lambda own: own.remove_table(), "error", 'table {table}: There is no table "{table}" in this account'),
        (lambda own: own.other_table(), "error", "table {table}: Its keys are not pk and sk, both strings."),
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
    assert bad(await inspect(clients, settings, 10, CLOCK)) == [
        ("error", f"queue {other.name}: Its redrive policy names no queue, the settings {hands.dead}.")
    ]


async def test_a_queue_without_dead_letters_is_warned_of(clients: AwsClients, hands: Hands) -> None:
    settings = hands.settings.model_copy(update={"queues": (QueueSettings(name=hands.queue),)})
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
    clients: AwsClients, hands: Hands, seconds: float, level: str, side: str
) -> None:
    ((found, what),) = bad(await inspect(clients, hands.settings, 10, Off(seconds)))
    assert found == level
    assert f"s {side} AWS's" in what


@pytest.mark.parametrize(
    ("operation", "level", "fix"),
    [
        ("GetQueueAttributes", "error", "Allow sqs:GetQueueAttributes on it"),
        ("DeleteMessageBatch", "error", "Allow sqs:DeleteMessage on it"),
        ("ChangeMessageVisibilityBatch", "error", "Allow sqs:ChangeMessageVisibility on it"),
        ("GetItem", "error", "Allow dynamodb:GetItem on it"),
        ("PutItem", "error", "Allow dynamodb:PutItem on it"),
        ("UpdateItem", "error", "Allow dynamodb:UpdateItem on it"),
        ("BatchExecuteStatement", "warning", "Allow dynamodb:PartiQLUpdate on it"),
        ("DescribeTable", "warning", "Allow dynamodb:DescribeTable on it"),
        ("DescribeTimeToLive", "warning", "Allow dynamodb:DescribeTimeToLive on it"),
        ("PutObject", "error", "Allow s3:PutObject on it"),
        ("GetObject", "error", "Allow s3:GetObject on it"),
    ],
)
async def test_what_a_role_is_not_allowed_is_found_with_the_action_to_allow(
    clients: AwsClients, hands: Hands, operation: str, level: str, fix: str
) -> None:
    found = [
        each for each in await inspect(Failing(clients, denied(), operation), hands.settings, 10, CLOCK) if each.fix
    ]
    assert [finding.level for finding in found] == [level]
    assert found[0].fix.startswith(fix)


async def test_sources_that_cannot_be_read_are_warned_of(clients: AwsClients, hands: Hands) -> None:
    own = hands.settings.artifacts
    artifacts = ArtifactSettings(bucket=own.bucket, sources=(f"s3://{own.bucket}/in/", "s3://not-there-at-all/x"))
    found = bad(await inspect(clients, hands.settings.model_copy(update={"artifacts": artifacts}), 10, CLOCK))
    assert [what.partition(": ")[0] for _, what in found] == ["source s3://not-there-at-all/x"]


async def test_reading_is_tried_below_the_slash_that_ends_a_source(clients: AwsClients, hands: Hands) -> None:
    settings = hands.settings.artifacts
    artifacts = ArtifactSettings(bucket=settings.bucket, sources=(f"s3://{settings.bucket}/in",))
    found = await inspect(clients, hands.settings.model_copy(update={"artifacts": artifacts}), 10, CLOCK)
    assert f"Reading s3://{settings.bucket}/in/ is allowed." in [finding.what for finding in found]


async def test_a_service_that_is_away_is_told_once(clients: AwsClients, hands: Hands) -> None:
    away = EndpointConnectionError(endpoint_url="http://127.0.0.1:1", error="refused")
    calls = Failing(clients, away, "GetQueueUrl", "GetQueueAttributes")
    found = bad(await inspect(calls, hands.settings, 10, CLOCK))
    assert [(level, what.partition(": ")[0]) for level, what in found] == [("error", f"queue {hands.queue}")]


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
