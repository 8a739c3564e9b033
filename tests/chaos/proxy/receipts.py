"""AWS's rules for receipts that have lost their message, which the stand-in answers otherwise.

A delete or a visibility change with an older receipt of a message received again is answered 200 and does nothing; so
is a visibility change after the time ran out. A delete after that time works while nobody has received it again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from tests.chaos.proxy.http import Answer, Request, answer_saying
from tests.chaos.proxy.server import Forward

SINGLE = frozenset({"DeleteMessage", "ChangeMessageVisibility"})
BATCH = frozenset({"DeleteMessageBatch", "ChangeMessageVisibilityBatch"})
USUAL_VISIBILITY = 30


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt that was handed out, and until when (loop time) it hides its message."""

    message_id: str
    until: float


class StrictReceipts:
    """Answers for receipts that mean nothing any more, as SQS does, and lets the others pass."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._newest: dict[str, str] = {}
        self.swallowed: Counter[str] = Counter()

    async def carry(self, request: Request, forward: Forward) -> Answer:
        """As Custom.carry."""
        operation = request.operation
        if operation == "ReceiveMessage":
            return await self._receive(request, forward)
        if operation in BATCH:
            return await self._batch(request, forward)
        if operation in SINGLE:
            return await self._single(request, forward)
        return await forward(request)

    async def _receive(self, request: Request, forward: Forward) -> Answer:
        answer = await forward(request)
        until = _now() + request.fields.get("VisibilityTimeout", USUAL_VISIBILITY)
        for message in answer.fields.get("Messages", ()):
            receipt, message_id = message["ReceiptHandle"], message["MessageId"]
            self._held[receipt] = Held(message_id, until)
            self._newest[message_id] = receipt
        return answer

    async def _batch(self, request: Request, forward: Forward) -> Answer:
        asked = request.fields
        empty = [entry for entry in asked["Entries"] if self._means_nothing(request.operation, entry)]
        if not empty:
            self._note(request.operation, asked["Entries"])
            return await forward(request)
        real = [entry for entry in asked["Entries"] if entry not in empty]
        told: dict[str, Any] = {"Successful": [{"Id": entry["Id"]} for entry in empty]}
        if real:
            self._note(request.operation, real)
            answer = await forward(request.saying({**asked, "Entries": real}))
            if answer.status != 200:
                return answer
            told = {**answer.fields, "Successful": [*answer.fields.get("Successful", ()), *told["Successful"]]}
        return answer_saying(told)

    async def _single(self, request: Request, forward: Forward) -> Answer:
        entry = request.fields
        if self._means_nothing(request.operation, entry):
            return answer_saying({})
        self._note(request.operation, [entry])
        return await forward(request)

    def _means_nothing(self, operation: str, entry: dict[str, Any]) -> bool:
        held = self._held.get(entry["ReceiptHandle"])
        if held is None:
            return False
        is_old = self._newest.get(held.message_id) != entry["ReceiptHandle"]
        ran_out = operation.startswith("Change") and _now() >= held.until
        if is_old or ran_out:
            self.swallowed[operation] += 1
        return is_old or ran_out

    def _note(self, operation: str, entries: list[dict[str, Any]]) -> None:
        """Keeps in mind what the service is about to do."""
        for entry in entries:
            held = self._held.get(entry["ReceiptHandle"])
            if held is not None and operation.startswith("Change"):
                self._held[entry["ReceiptHandle"]] = replace(held, until=_now() + entry["VisibilityTimeout"])


def _now() -> float:
    return asyncio.get_running_loop().time()
