"""From a request to the operation it names, and back: AWS JSON 1.0, with the checksums that AWS sends."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from zlib import crc32

import orjson

from bench.endpoint.connection import HttpAnswer, HttpRequest, Respond
from bench.endpoint.control import Control
from bench.endpoint.dynamodb.batches import StatementBatches
from bench.endpoint.dynamodb.operations import Items
from bench.endpoint.dynamodb.queries import Reads
from bench.endpoint.dynamodb.tables import Tables
from bench.endpoint.errors import Refusal
from bench.endpoint.ledger import Ledger
from bench.endpoint.objects import Objects
from bench.endpoint.sqs.operations import Messages, Pending
from bench.endpoint.sqs.queues import Queues

Operation = Callable[[dict[str, Any]], Any]
KIND = b"Content-Type: application/x-amz-json-1.0\r\n"
SQS, DYNAMODB = "amazonsqs.", "dynamodb_20120810."
NAMESPACE = {SQS: "com.amazonaws.sqs#", DYNAMODB: "com.amazonaws.dynamodb.v20120810#"}


class Service:
    """Everything this process serves."""

    def __init__(self) -> None:
        ledger = Ledger()
        queues, tables = Queues(ledger), Tables(ledger)
        sqs: dict[str, Operation] = {**queues.operations, **Messages(queues, ledger).operations}
        dynamodb: dict[str, Operation] = {
            **tables.operations,
            **Items(tables, ledger).operations,
            **Reads(tables, ledger).operations,
            **StatementBatches(tables, ledger).operations,
        }
        named = [(SQS, sqs), (DYNAMODB, dynamodb)]
        self._operations = {
            f"{prefix}{name.lower()}".encode(): (prefix, act) for prefix, acts in named for name, act in acts.items()
        }
        self._queues = queues
        self._objects = Objects(ledger)
        self._control = Control(queues, tables, ledger)
        self._numbers = itertools.count(1)
        self._dated = (0, b"")

    def at(self, url: str) -> None:
        """Tells where it is served."""
        self._queues.base_url = url

    def serve(self, request: HttpRequest, respond: Respond) -> Callable[[], None] | None:
        """Answers a request; a receive that waits can be abandoned."""
        target = request.header(b"x-amz-target")
        if not target:
            other = self._control if request.target.startswith(self._control.ROOT) else self._objects
            respond(other.serve(request))
            return None
        prefix, act = self._operations.get(target, ("", None))
        try:
            answer = self._call(request, act)
        except Refusal as refusal:
            respond(self._error_answer(prefix, refusal))
            return None
        if isinstance(answer, Pending):
            answer.begin(lambda later: respond(self._done(prefix, 200, later)))
            return answer.abandon
        respond(self._done(prefix, 200, answer))
        return None

    def _call(self, request: HttpRequest, act: Operation | None) -> Any:
        if act is None:
            raise Refusal("UnknownOperationException", "There is no such operation here.")
        if not request.header(b"authorization").startswith(b"aws4-hmac-sha256 credential="):
            raise Refusal("MissingAuthenticationTokenException", "Request is missing Authentication Token", status=403)
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise Refusal("SerializationException", "The body is not JSON.") from None
        try:
            return act(body)
        except (KeyError, TypeError, AttributeError) as error:
            raise Refusal("SerializationException", f"{type(error).__name__}: {error}") from error

    def _done(self, prefix: str, status: int, answer: dict[str, Any], headers: bytes = b"") -> HttpAnswer:
        body = orjson.dumps(answer)
        if prefix == DYNAMODB:
            headers += b"x-amz-crc32: %d\r\n" % crc32(body)
        request_id = b"x-amzn-RequestId: %032X\r\n" % next(self._numbers)
        return HttpAnswer(status, KIND + self._date() + request_id + headers, body)

    def _error_answer(self, prefix: str, refusal: Refusal) -> HttpAnswer:
        content = {"__type": NAMESPACE.get(prefix, "") + refusal.code, "message": refusal.message, **refusal.more}
        query = f"x-amzn-query-error: {refusal.query_code or refusal.code};Sender\r\n".encode()
        return self._done(prefix, refusal.status, content, query if prefix == SQS else b"")

    def _date(self) -> bytes:
        """The Date header, made once a second."""
        now = int(time.time())
        if now != self._dated[0]:
            self._dated = now, b"Date: %s\r\n" % formatdate(now, usegmt=True).encode()
        return self._dated[1]
