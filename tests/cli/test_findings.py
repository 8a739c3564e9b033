"""No check passes because it was not made, and what only a few installations meet is said in good words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Calls, Read, Request, perform
from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import CheckResult, inspect
from cqworker.aws.doctor.region_name import check_region
from cqworker.aws.operations import Operation
from cqworker.events import ignore
from cqworker.settings import Settings
from tests.cli.hands import CLOCK, Failing, Hands, Remembering, bad, denied
from tests.processes.test_permissions import policy_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Changed:
    """Calls of which some get another answer."""

    def __init__(self, calls: Calls, **answers: Answer) -> None:
        self._calls = calls
        self._answers = answers

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        answer = await self._calls.call(operation, request, about, seconds=seconds, read=read)
        changes: Mapping[str, Any] = self._answers.get(operation.name, {})
        return {**answer, **{name: _merged(answer.get(name), change) for name, change in changes.items()}}


def _merged(before: Any, change: Any) -> Any:
    return {**before, **change} if isinstance(before, Mapping) and isinstance(change, Mapping) else change


class Allowed:
    """Calls that a policy allows, by action and resource; all others are denied."""

    def __init__(self, calls: Calls, policy: Mapping[str, set[str]]) -> None:
        self._calls = calls
        self._policy = policy

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        resources = self._policy.get(operation.action, set())
        if any(_matches(resource, _resource_of(operation, request)) for resource in resources):
            return await self._calls.call(operation, request, about, seconds=seconds, read=read)
        return await perform(operation, about, seconds, ignore, _denied(operation))


def _matches(pattern: str, resource: str) -> bool:
    last = pattern.rpartition(":")[2]
    return resource.startswith((pattern[:-1], last[:-1])) if pattern.endswith("*") else last == resource


def _resource_of(operation: Operation, request: Request) -> str:
    """The last part of the ARN."""
    match operation.service:
        case "sqs":
            return str(request.get("QueueName") or request["QueueUrl"]).rpartition("/")[2]
        case "dynamodb":
            table = f"table/{request.get('TableName', Settings().store.table)}"
            return f"{table}/index/{request['IndexName']}" if "IndexName" in request else table
        case _:
            return f"arn:aws:s3:::{request['Bucket']}/{request.get('Key', '')}"


async def _denied(operation: Operation) -> Answer:
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation.name)


@pytest.mark.parametrize("role", ["worker", "api"])
async def test_a_role_with_the_documented_policy_is_not_warned_of_it(looks: Remembering, role: str) -> None:
    found = await inspect(Allowed(looks, policy_of(role)), Settings(), 10, CLOCK, roles={role})
    assert {finding.level for finding in found} == {"ok", "info"}
    told = [finding for finding in found if finding.level == "info"]
    assert all(finding.what.startswith("Not checked, which is fine for running: The role may not") for finding in told)
    assert [finding.fix.split()[1] for finding in told] == [
        "dynamodb:DescribeTable", "dynamodb:Scan", "s3:GetEncryptionConfiguration",
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["worker", "api"])
async def test_each_action_that_a_role_lacks_is_found_but_those_that_cannot_be_tried(
    looks: Remembering, role: str
) -> None:
    untried = {"sqs:SendMessage", "sqs:ReceiveMessage", "s3:ListBucket"}
    for action in set(policy_of(role)) - untried:
        policy = {each: places for each, places in policy_of(role).items() if each != action}
        found = await inspect(Allowed(looks, policy), Settings(), 10, CLOCK, roles={role})
        assert any(action in finding.fix and finding.level in ("warning", "error") for finding in found), action


@pytest.mark.parametrize(
    "code", ["AccessDenied", "AccessDeniedException", "ValidationException", "UnknownOperationException"]
)
async def test_batches_that_are_refused_whole_are_not_found_to_be_allowed(
    looks: Remembering, untouched: Hands, code: str
) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "BatchExecuteStatement")
    found = await inspect(Failing(looks, error, "BatchExecuteStatement"), untouched.settings, 10, CLOCK)
    assert "Writing in batches is allowed." not in [finding.what for finding in found]
    assert len(bad(found)) == 1


@pytest.mark.parametrize(
    ("operation", "answer", "action"),
    [
        (
            "BatchExecuteStatement",
            {"Responses": [{"Error": {"Code": "AccessDenied", "Message": "no"}}]},
            "dynamodb:PartiQLUpdate",
        ),
        ("DeleteMessageBatch", {"Failed": [{"Id": "0", "Code": "AccessDenied"}]}, "sqs:DeleteMessage"),
        ("ChangeMessageVisibilityBatch", {"Failed": [{"Id": "0", "Code": "AccessDenied"}]}, "sqs:ChangeMessageVisib"),
    ],
)
async def test_what_is_refused_in_an_entry_of_an_answer_is_not_found_to_be_allowed(
    looks: Remembering, untouched: Hands, operation: str, answer: dict[str, Any], action: str
) -> None:
    found = await inspect(Changed(looks, **{operation: answer}), untouched.settings, 10, CLOCK)
    assert action in next(finding.fix for finding in found if finding.level in ("warning", "error"))


async def test_a_bucket_whose_service_knows_no_conditions_is_not_found_to_be_writable(
    looks: Remembering, untouched: Hands
) -> None:
    error = ClientError({"Error": {"Code": "NotImplemented", "Message": "no"}}, "PutObject")
    found = await inspect(Failing(looks, error, "PutObject"), untouched.settings, 10, CLOCK)
    assert [finding.what for finding in found if finding.level == "info"] == [
        "Writing was not checked: this service knows no conditions."
    ]


async def test_a_clock_that_cannot_be_compared_is_not_found_to_be_right(looks: Remembering, untouched: Hands) -> None:
    calls = Changed(looks, GetQueueUrl={"ResponseMetadata": {"HTTPHeaders": {}}})
    [finding] = [each for each in await inspect(calls, untouched.settings, 10, CLOCK) if each.subject == "clock"]
    assert (finding.level, finding.what) == ("info", "Not checked: the answers carry no date.")


KEY = "arn:aws:kms:eu-central-1:123456789012:key/own"
RULE = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}


@pytest.mark.parametrize(
    ("operation", "answer", "subjects"),
    [
        ("GetQueueAttributes", {"Attributes": {"KmsMasterKeyId": KEY}}, ["queue", "dead-letter"]),
        ("GetQueueAttributes", {"Attributes": {"KmsMasterKeyId": "alias/aws/sqs"}}, []),
        ("DescribeTable", {"Table": {"SSEDescription": {"KMSMasterKeyArn": KEY}}}, ["table"]),
    ],
)
async def test_a_key_of_ones_own_is_hinted_at_with_the_rights_that_it_needs(
    looks: Remembering, untouched: Hands, operation: str, answer: dict[str, Any], subjects: list[str]
) -> None:
    found = await inspect(Changed(looks, **{operation: answer}), untouched.settings, 10, CLOCK)
    told = [finding for finding in found if "KMS key" in finding.what]
    assert [finding.subject.split()[0] for finding in told] == subjects
    assert all("kms:Decrypt and kms:GenerateDataKey" in finding.fix for finding in told)
    assert {finding.level for finding in told} <= {"info"}


async def test_the_key_of_a_bucket_is_hinted_at(clients: AwsClients, hands: Hands) -> None:
    hands.s3.put_bucket_encryption(
        Bucket=hands.settings.artifacts.bucket, ServerSideEncryptionConfiguration={"Rules": [RULE]}
    )
    [told] = [each for each in await inspect(clients, hands.settings, 10, CLOCK) if "KMS key" in each.what]
    assert (told.level, told.subject) == ("info", f"bucket {hands.settings.artifacts.bucket}")


async def test_a_table_with_a_trickle_of_capacity_is_warned_of(clients: AwsClients, hands: Hands) -> None:
    hands.dynamodb.update_table(
        TableName=hands.settings.store.table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    [finding] = [each for each in await inspect(clients, hands.settings, 10, CLOCK) if each.level != "ok"]
    assert finding.level == "warning"
    assert finding.what == "Its capacity is 1 write unit a second, and a small job takes three."
    assert "PAY_PER_REQUEST" in finding.fix


async def test_a_retention_of_a_minute_is_called_so(clients: AwsClients, hands: Hands) -> None:
    hands.change(hands.queue, MessageRetentionPeriod="60")
    hands.change(hands.dead, MessageRetentionPeriod="129600")
    ((_, what),) = bad(await inspect(clients, hands.settings, 10, CLOCK))
    assert "It keeps messages for 1 minute, not for 14 days" in what
    hands.change(hands.queue, MessageRetentionPeriod="1209600")
    ((_, what),) = bad(await inspect(clients, hands.settings, 10, CLOCK))
    assert "It keeps messages for 1.5 days, the queue for 14 days" in what


async def test_a_table_with_other_keys_is_told_once_and_first_in_these_words(clients: AwsClients, hands: Hands) -> None:
    hands.other_table()
    hands.ttl("purge_at", enabled=True)
    name = hands.settings.store.table
    for calls in (clients, Failing(clients, denied(), "DescribeTable")):
        [finding] = [each for each in await inspect(calls, hands.settings, 10, CLOCK) if each.level == "error"]
        assert finding.what == f'The keys of table "{name}" are not pk and sk, both strings.'
        assert finding.fix == "Choose another store.table, and run `cqworker provision`."


@pytest.mark.parametrize(
    ("region", "fixes"),
    [
        ("eu-central-1", []),
        ("us-gov-west-1", []),
        ("eu-centrl-1", ["Did you mean eu-central-1? Correct AWS_REGION."]),
        ("mars", ["Correct AWS_REGION, such as eu-central-1."]),
    ],
)
async def test_a_region_that_does_not_exist_is_warned_of(region: str, fixes: list[str]) -> None:
    found = list(check_region(region))
    assert [(finding.level, finding.fix) for finding in found] == [("warning", fix) for fix in fixes]


async def test_the_region_is_looked_at_before_any_service(
    looks: Remembering, untouched: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-centrl-1")
    found = [finding for finding in await inspect(looks, untouched.settings, 10, CLOCK) if finding.level != "ok"]
    assert found[0] == CheckResult(
        "warning", "region", 'The SDK knows no region "eu-centrl-1".', "Did you mean eu-central-1? Correct AWS_REGION."
    )
