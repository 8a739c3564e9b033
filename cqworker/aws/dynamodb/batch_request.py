"""One batch of conditional writes: sent, and each statement's answer told apart from the others'."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.dynamodb.items import Unreadable, record_of
from cqworker.aws.dynamodb.job_store import ENDINGS, read_item
from cqworker.aws.dynamodb.partiql import statement_of
from cqworker.aws.dynamodb.write_units import write_units
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import EXECUTE_BATCH
from cqworker.model.writes import Change, LazyWritten, Refused, Written

Answered = Written | Refused | None
"""What became of a write; None: that is for a single write to find out."""

MOST = 25
"""Statements of a batch (BatchExecuteStatement, Statements)."""
SECONDS = 6.0
"""How long a batch may take: what it leaves unanswered still has to be written singly while its lease lasts."""
REST = 10.0
"""Seconds without batches after one was refused whole, or this role may not send any."""


class Batches:
    """Sends batches of writes to a table."""

    def __init__(self, clients: Calls, table: str) -> None:
        self._clients = clients
        self._table = table
        self._about = f'table "{table}"'
        self._rest_until = 0.0

    @property
    def rest(self) -> bool:
        """Batches are of no use for the moment."""
        return self._rest_until > 0 and time.monotonic() < self._rest_until

    async def execute(self, changes: Sequence[Change]) -> Sequence[Answered]:
        """The answer to each change; raises Unavailable where nothing was applied and single writes would fare alike.

        An unanswered batch is left to single writes: each change knows its own token when it meets itself.
        """
        try:
            statements = [statement_of(change, self._table) for change in changes]
        except (TypeError, ValueError):  # one that cannot be written must not take its neighbours along
            return [None] * len(changes)
        request = {"Statements": statements, "ReturnConsumedCapacity": "TOTAL"}
        try:
            answer = await self._clients.call(EXECUTE_BATCH, request, self._about, seconds=SECONDS, read=_counted)
        except Declined:
            self._pause()
            return [None] * len(changes)
        except AwsFault as fault:
            if not fault.ambiguous:
                raise
            return [None] * len(changes)
        responses = answer.get("Responses", ())
        if len(responses) != len(changes):
            return [None] * len(changes)
        return [self._answered(change, said) for change, said in zip(changes, responses, strict=True)]

    def _answered(self, change: Change, said: Mapping[str, Any]) -> Answered:
        """A success, or a refusal unless the record that stands there would permit it by now, or be made by it."""
        error = said.get("Error", {})
        try:
            if not error:
                if isinstance(change, ENDINGS):
                    return LazyWritten(partial(read_item, record_of, said["Item"], self._about, ambiguous=True))
                return Written(record_of(said["Item"]))
            if error["Code"] == "ConditionalCheckFailed":
                seen = record_of(error["Item"]) if error.get("Item") else None
                return None if change.permits(seen) else Refused(seen)
        except (AttributeError, KeyError, TypeError, Unreadable):
            return None
        if error["Code"] == "AccessDenied":
            self._pause()
        return None

    def _pause(self) -> None:
        self._rest_until = time.monotonic() + REST


async def _counted(answer: Answer) -> Answer:
    """The answer with its write units: AWS counts them, emulators leave that to us (the larger of before and after)."""
    if "ConsumedCapacity" in answer:
        return answer
    items = [said.get("Item") or said.get("Error", {}).get("Item") for said in answer.get("Responses", ())]
    return {**answer, "ConsumedCapacity": [{"CapacityUnits": float(sum(map(write_units, items)))}]}
