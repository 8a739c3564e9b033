"""The measuring side's own door: counts, loads that are laid ready at once, queues that are held back."""

from __future__ import annotations

import time
from typing import Any

import orjson

from bench.endpoint.connection import HttpAnswer, HttpRequest
from bench.endpoint.dynamodb.expressions import Expression
from bench.endpoint.dynamodb.tables import Tables
from bench.endpoint.errors import Refusal
from bench.endpoint.ledger import Ledger
from bench.endpoint.sqs.messages import message_of
from bench.endpoint.sqs.queues import Queues

JSON = b"Content-Type: application/json\r\n"
ANYTHING = Expression(None, {})


class Control:
    """What is asked below ROOT; none of it is counted."""

    ROOT = "/_bench/"

    def __init__(self, queues: Queues, tables: Tables, ledger: Ledger) -> None:
        self._queues = queues
        self._tables = tables
        self._ledger = ledger
        self._acts = {
            "counts": self._counts,
            "reset": self._reset,
            "hold": lambda asked: self._hold(asked, held=True),
            "release": lambda asked: self._hold(asked, held=False),
            "depth": self._depth,
            "dismiss": self._dismiss,
            "load": self._load,
        }

    def serve(self, request: HttpRequest) -> HttpAnswer:
        """The answer to one of the acts above."""
        act = self._acts.get(request.target.removeprefix(self.ROOT))
        if act is None:
            return HttpAnswer(404, JSON, b"{}")
        try:
            answer = act(orjson.loads(request.body or b"{}"))
        except Refusal as refusal:
            return HttpAnswer(400, JSON, orjson.dumps({"error": str(refusal)}))
        return HttpAnswer(200, JSON, orjson.dumps(answer))

    def _counts(self, _: dict[str, Any]) -> dict[str, Any]:
        return {**self._ledger.as_json(), "cpu_seconds": time.process_time()}

    def _reset(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._ledger.reset(journal=bool(asked.get("journal")))
        return {}

    def _hold(self, asked: dict[str, Any], *, held: bool) -> dict[str, Any]:
        queue = self._queues.get(asked["queue"])
        queue.held = held
        queue.serve()
        return {}

    def _dismiss(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._queues.get(asked["queue"]).dismiss()
        return {}

    def _depth(self, asked: dict[str, Any]) -> dict[str, Any]:
        queue = self._queues.get(asked["queue"])
        return {"left": sum(queue.depth().values()), "waiting": queue.waiting}

    def _load(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Messages, each as a SendMessage has it, and items, as if they had been sent and put."""
        queue, table = self._queues.get(asked["queue"]), self._tables.get(asked["table"])
        for item in asked["items"]:
            table.put(item, ANYTHING, {})
        for sent in asked["messages"]:
            queue.add(message_of(sent)[0], 0)
        queue.serve()
        return {}
