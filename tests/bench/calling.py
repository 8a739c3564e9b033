"""The endpoint's service without a network: a request in, the answer and its headers out."""

from __future__ import annotations

from typing import Any

import orjson

from bench.endpoint.connection import HttpAnswer, HttpRequest
from bench.endpoint.service import Service

TABLE = {
    "TableName": "jobs",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
}
KEY = {"pk": {"S": "job#1"}, "sk": {"S": "job"}}
PREFIXES = {"sqs": "AmazonSQS", "dynamodb": "DynamoDB_20120810"}


class Refused(Exception):
    """The endpoint answered with an error; `answer` is what it said."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__(f"{status} {answer}")
        self.answer = answer
        self.code = str(answer["__type"]).rpartition("#")[2]


class Caller:
    """Calls operations by service and name."""

    def __init__(self) -> None:
        self.service = Service()
        self.service.at("http://127.0.0.1:1")
        self.sqs("CreateQueue", QueueName="queue")
        self.dynamodb("CreateTable", **TABLE)

    def sqs(self, operation: str, **request: Any) -> dict[str, Any]:
        return self._told(self.answers("sqs", operation, request))

    def dynamodb(self, operation: str, **request: Any) -> dict[str, Any]:
        return self._told(self.answers("dynamodb", operation, request))

    def answers(self, service: str, operation: str, request: dict[str, Any]) -> list[HttpAnswer]:
        """The answers so far: none while a receive waits."""
        body = orjson.dumps(request)
        lines = ["POST / HTTP/1.1", f"X-Amz-Target: {PREFIXES[service]}.{operation}"]
        lines += ["Authorization: AWS4-HMAC-SHA256 Credential=test", f"Content-Length: {len(body)}"]
        given: list[HttpAnswer] = []
        self.service.serve(HttpRequest("POST", "/", "\r\n".join(lines).lower().encode(), body), given.append)
        return given

    def control(self, act: str, **asked: Any) -> dict[str, Any]:
        """What the measuring side asks."""
        given: list[HttpAnswer] = []
        self.service.serve(HttpRequest("POST", f"/_bench/{act}", b"", orjson.dumps(asked)), given.append)
        return self._told(given)

    @staticmethod
    def _told(answers: list[HttpAnswer]) -> dict[str, Any]:
        [answer] = answers
        told: dict[str, Any] = orjson.loads(answer.body)
        if answer.status != 200:
            raise Refused(answer.status, told)
        return told
