"""The queues themselves: made, found, described, changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.endpoint.errors import Refusal
from bench.endpoint.ledger import Ledger
from bench.endpoint.sqs.queue import DELAYED, HIDDEN, READY, Queue

ACCOUNT = "000000000000"
ARN = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
DEFAULTS = {
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "MaximumMessageSize": "1048576",
}
SETTABLE = {*DEFAULTS, "RedrivePolicy", "RedriveAllowPolicy", "SqsManagedSseEnabled", "Policy"}
Request = Mapping[str, Any]
Answer = dict[str, Any]


class Queues:
    """Every queue by its name; `base_url` begins the address of each."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.base_url = ""
        self._queues: dict[str, Queue] = {}
        known: dict[str, Callable[[Request], Answer]] = {
            "CreateQueue": self._create,
            "DeleteQueue": self._delete,
            "GetQueueAttributes": self._describe,
            "GetQueueUrl": self._find,
            "ListQueues": self._list,
            "PurgeQueue": self._purge,
            "SetQueueAttributes": self._change,
        }
        self.operations = {name: self._count_calls(name, act) for name, act in known.items()}

    def at(self, request: Request) -> Queue:
        """The queue that a request is about."""
        return self.get(str(request.get("QueueUrl", "")).rpartition("/")[2])

    def get(self, name: str) -> Queue:
        """The queue of this name; refuses one that is not there."""
        try:
            return self._queues[name]
        except KeyError:
            raise Refusal(
                "QueueDoesNotExist",
                "The specified queue does not exist.",
                query_code="AWS.SimpleQueueService.NonExistentQueue",
            ) from None

    def _count_calls(self, operation: str, act: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
        def count_and_act(request: Request) -> Answer:
            self._ledger.call(operation)
            return act(request)

        return count_and_act

    def _create(self, request: Request) -> Answer:
        name, wanted = request["QueueName"], _check(request.get("Attributes") or {})
        if name.endswith(".fifo"):
            raise Refusal("UnsupportedOperation", "There are no FIFO queues here.")
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = Queue(name, {"CreatedTimestamp": str(int(time.time()))} | DEFAULTS)
            self._apply(queue, wanted)
        elif any(queue.attributes.get(key) != value for key, value in wanted.items()):
            message = "A queue already exists with the same name and a different value for an attribute."
            raise Refusal("QueueNameExists", message, query_code="QueueAlreadyExists")
        return {"QueueUrl": self._url(name)}

    def _delete(self, request: Request) -> Answer:
        del self._queues[self.at(request).name]
        return {}

    def _find(self, request: Request) -> Answer:
        return {"QueueUrl": self._url(self.get(request["QueueName"]).name)}

    def _list(self, request: Request) -> Answer:
        prefix = request.get("QueueNamePrefix", "")
        return {"QueueUrls": [self._url(name) for name in sorted(self._queues) if name.startswith(prefix)]}

    def _purge(self, request: Request) -> Answer:
        self.at(request).purge()
        return {}

    def _describe(self, request: Request) -> Answer:
        queue, asked = self.at(request), request.get("AttributeNames") or ()
        depth = queue.depth()
        known = {
            **queue.attributes,
            "QueueArn": ARN + queue.name,
            "ApproximateNumberOfMessages": str(depth[READY]),
            "ApproximateNumberOfMessagesNotVisible": str(depth[HIDDEN]),
            "ApproximateNumberOfMessagesDelayed": str(depth[DELAYED]),
        }
        return {"Attributes": known if "All" in asked else {name: known[name] for name in asked if name in known}}

    def _change(self, request: Request) -> Answer:
        self._apply(self.at(request), _check(request["Attributes"]))
        return {}

    def _apply(self, queue: Queue, wanted: Mapping[str, str]) -> None:
        if policy := json.loads(wanted.get("RedrivePolicy") or "{}"):
            target = str(policy["deadLetterTargetArn"])
            if target.rpartition(":")[2] not in self._queues:
                raise _wrong("RedrivePolicy", f"{target} does not exist")
            queue.dead_letters = self._queues[target.rpartition(":")[2]]
            queue.max_receives = int(policy["maxReceiveCount"])
        queue.attributes.update(wanted)

    def _url(self, name: str) -> str:
        return f"{self.base_url}/{ACCOUNT}/{name}"


def _check(attributes: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in attributes.items():
        if name not in SETTABLE:
            raise Refusal("InvalidAttributeName", f"Unknown Attribute {name}.")
        if not isinstance(value, str):
            raise _wrong(name, "it is no string")
    return attributes


def _wrong(name: str, why: str) -> Refusal:
    return Refusal("InvalidAttributeValue", f"Invalid value for the parameter {name}. Reason: {why}.")
