"""A queue and its dead-letter queue: retention, visibility and redrive policy as the protocol needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cqworker.aws.aws_call import Calls, Declined
from cqworker.aws.operations import Operation
from cqworker.aws.provision.step import Step
from cqworker.settings import QueueSettings

ABSENT = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
FIND_QUEUE = Operation("sqs", "GetQueueUrl", "sqs:GetQueueUrl", declines=ABSENT)
READ_QUEUE = Operation("sqs", "GetQueueAttributes", "sqs:GetQueueAttributes", declines=ABSENT)
CREATE_QUEUE = Operation("sqs", "CreateQueue", "sqs:CreateQueue", writes=True)
SET_QUEUE_ATTRIBUTES = Operation("sqs", "SetQueueAttributes", "sqs:SetQueueAttributes", writes=True)
RETENTION_SECONDS = 1_209_600
"""Fourteen days, the longest that SQS keeps a message (SetQueueAttributes, MessageRetentionPeriod)."""
Attributes = Mapping[str, str]


async def ensure_queue(clients: Calls, queue: QueueSettings, max_receives: int, *, dry_run: bool) -> list[Step]:
    """The steps for the dead-letter queue, which comes first so that the redrive policy can name it, and all levels."""
    wanted = {"MessageRetentionPeriod": str(RETENTION_SECONDS)}
    steps: list[Step] = []
    if queue.dead_letter_queue:
        name = queue.dead_letter_queue
        steps.append(await _ensure(clients, "dead-letter queue", name, wanted, dry_run=dry_run))
        arn = await _arn_of(clients, name) or await _future_arn(clients, queue.name, name)
        wanted["RedrivePolicy"] = _redrive_policy(arn, max_receives)
    wanted["VisibilityTimeout"] = str(queue.visibility_timeout)
    return [*steps, *[await _ensure(clients, "queue", name, wanted, dry_run=dry_run) for name in queue.queues]]


async def attributes_of(clients: Calls, name: str) -> tuple[str, Attributes] | None:
    """The queue's URL and attributes, None where there is no such queue."""
    about = f'queue "{name}"'
    try:
        url = (await clients.call(FIND_QUEUE, {"QueueName": name}, about))["QueueUrl"]
        answer = await clients.call(READ_QUEUE, {"QueueUrl": url, "AttributeNames": ["All"]}, about)
    except Declined:
        return None
    return url, answer.get("Attributes", {})


def redrive_of(attributes: Attributes) -> tuple[str, int]:
    """The name of the dead-letter queue and the maxReceiveCount; "" and 0 where there is no redrive policy."""
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    return str(policy.get("deadLetterTargetArn", "")).rpartition(":")[2], int(policy.get("maxReceiveCount", 0))


async def _ensure(clients: Calls, what: str, name: str, wanted: Attributes, *, dry_run: bool) -> Step:
    about = f'queue "{name}"'
    found = await attributes_of(clients, name)
    if found is None:
        if not dry_run:
            await clients.call(CREATE_QUEUE, {"QueueName": name, "Attributes": wanted}, about)
        return Step(what, name, "created", "; ".join(_attribute_text(key, value) for key, value in wanted.items()))
    url, present = found
    differing = {
        key: value for key, value in wanted.items() if _comparable(key, present.get(key)) != _comparable(key, value)
    }
    if not differing:
        return Step(what, name, "unchanged")
    if not dry_run:
        await clients.call(SET_QUEUE_ATTRIBUTES, {"QueueUrl": url, "Attributes": differing}, about)
    changes = [
        f"{_attribute_text(key, value)} (was: {_attribute_text(key, present.get(key))})"
        for key, value in differing.items()
    ]
    return Step(what, name, "changed", "; ".join(changes))


async def _arn_of(clients: Calls, name: str) -> str | None:
    found = await attributes_of(clients, name)
    return found[1]["QueueArn"] if found else None


async def _future_arn(clients: Calls, existing: str, name: str) -> str:
    """In a dry run: the ARN that a queue will have, from one of the same account and region, else its mere name."""
    arn = await _arn_of(clients, existing)
    return f"{arn.rpartition(':')[0]}:{name}" if arn else name


def _redrive_policy(arn: str, max_receives: int) -> str:
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(max_receives)})


def _comparable(key: str, value: str | None) -> object:
    """What of an attribute counts when it is compared."""
    if key != "RedrivePolicy" or not value:
        return value
    policy = json.loads(value)
    return policy.get("deadLetterTargetArn"), int(policy.get("maxReceiveCount", 0))


def _attribute_text(key: str, value: str | None) -> str:
    if not value:
        return "none"
    if key == "RedrivePolicy":
        target, count = redrive_of({key: value})
        return f"to {target} after {count} receives"
    return f"kept for {int(value) / 86400:g} days" if key == "MessageRetentionPeriod" else f"hidden for {value} s"
