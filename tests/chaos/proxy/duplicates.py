"""Second copies of messages, as a queue that delivers at least once makes them."""

from __future__ import annotations

import random
from typing import Any

from tests.chaos.proxy.http import Answer, Request
from tests.chaos.proxy.server import Forward

CARRIED = ("MessageAttributes", "MessageGroupId")
LATER = (0, 0, 1, 3, 5)
"""Seconds after which a copy appears: beside the first one, while its job runs, and after it has ended."""


class Duplicates:
    """Sends a share of what is sent twice, and a share of what is received once more."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self.share = 0.0
        self.made = 0

    async def carry(self, request: Request, forward: Forward) -> Answer:
        """As Custom.carry."""
        answer = await forward(request)
        if not self.share or answer.status != 200:
            return answer
        if request.operation == "SendMessage" and self._hits():
            await forward(request)
        elif request.operation == "SendMessageBatch":
            if again := [entry for entry in request.fields["Entries"] if self._hits()]:
                await forward(request.saying({**request.fields, "Entries": again}))
        elif request.operation == "ReceiveMessage":
            for message in answer.fields.get("Messages", ()):
                if self._hits():
                    await forward(self._copy(request, message))
        return answer

    def _hits(self) -> bool:
        hit = self._random.random() < self.share
        self.made += hit
        return hit

    def _copy(self, request: Request, message: dict[str, Any]) -> Request:
        told: dict[str, Any] = {"QueueUrl": request.fields["QueueUrl"], "MessageBody": message["Body"]}
        told |= {name: message[name] for name in CARRIED if name in message}
        return request.saying({**told, "DelaySeconds": self._random.choice(LATER)}, "SendMessage")
