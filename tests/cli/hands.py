"""An operator who breaks things on purpose, services that refuse, and what is wrong with a finding."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from cqworker.aws.aws_call import DEADLINE_SECONDS, Answer, Calls, Read, Request, perform
from cqworker.aws.doctor import CheckResult
from cqworker.aws.operations import Operation
from cqworker.clock import SystemClock
from cqworker.errors import CqworkerError
from cqworker.events import ignore
from cqworker.settings import Settings

CLOCK = SystemClock()


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
    """Calls of which some end with an error of the SDK; with `index`, only those of that index."""

    def __init__(self, calls: Calls, error: Exception, *operations: str, index: str | None = None) -> None:
        self._calls = calls
        self._error = error
        self._operations = operations
        self._index = index

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        if operation.name not in self._operations or request.get("IndexName") != self._index:
            return await self._calls.call(operation, request, about, seconds=seconds, read=read)
        return await perform(operation, about, seconds, ignore, self._fail())

    async def _fail(self) -> Answer:
        raise self._error


class Remembering:
    """Calls that are made once, for nobody changes what they are about; but for the one whose answer tells the time."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._told: dict[tuple[str, str], Answer | CqworkerError] = {}

    async def call(
        self,
        operation: Operation,
        request: Request,
        about: str,
        *,
        seconds: float = DEADLINE_SECONDS,
        read: Read | None = None,
    ) -> Answer:
        if read is not None or operation.name == "GetQueueUrl":
            return await self._calls.call(operation, request, about, seconds=seconds, read=read)
        which = operation.name, repr(request)
        if which not in self._told:
            try:
                self._told[which] = await self._calls.call(operation, request, about, seconds=seconds)
            except CqworkerError as fault:
                self._told[which] = fault
        told = self._told[which]
        if isinstance(told, CqworkerError):
            raise told
        return told


def denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "any")


def bad(found: list[CheckResult]) -> list[tuple[str, str]]:
    assert all(finding.fix for finding in found if finding.level != "ok")
    return [(finding.level, f"{finding.subject}: {finding.what}") for finding in found if finding.level != "ok"]
