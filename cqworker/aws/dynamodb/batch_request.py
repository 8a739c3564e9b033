"""One batch of conditional writes: sent as one request, each statement's result read for itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.dynamodb.items import UnreadableItem, record_of
from cqworker.aws.dynamodb.job_store import SELDOM_READ, read_item
from cqworker.aws.dynamodb.partiql import statement_of
from cqworker.aws.dynamodb.write_units import write_units
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import EXECUTE_BATCH
from cqworker.model.writes import Change, LazyWritten, Refused, Written

BatchResult = Written | Refused | None
"""What became of a write; None where it is undecided, and a single write has to find out."""

MAX_STATEMENTS = 25
"""Statements of a batch (BatchExecuteStatement, Statements)."""
BATCH_SECONDS = 6.0
"""Seconds for a batch with all its tries: what it leaves unanswered has to be written singly while its lease lasts."""
SUSPENSION_SECONDS = 10.0
"""Seconds without batches after one was refused whole, or this role may not send any."""


class BatchWriter:
    """Sends batches of conditional writes to one table."""

    def __init__(self, clients: Calls, table: str) -> None:
        self._clients = clients
        self._table = table
        self._about = f'table "{table}"'
        self._suspended_until = 0.0

    @property
    def is_suspended(self) -> bool:
        """Whether batches are of no use for the moment, so that single writes are to be made."""
        return self._suspended_until > 0 and time.monotonic() < self._suspended_until

    async def execute(self, changes: Sequence[Change]) -> Sequence[BatchResult]:
        """Writes the changes; the result of each. Raises Unavailable where nothing was applied nor would be singly.

        An unanswered batch is left to single writes: each change knows its own token when it meets itself.
        """
        try:
            statements = [statement_of(change, self._table) for change in changes]
        except (TypeError, ValueError):  # one that cannot be written must not take its neighbours along
            return [None] * len(changes)
        request = {"Statements": statements, "ReturnConsumedCapacity": "TOTAL"}
        try:
            answer = await self._clients.call(
                EXECUTE_BATCH, request, self._about, seconds=BATCH_SECONDS, read=_count_units
            )
        except Declined:
            self._suspend()
            return [None] * len(changes)
        except AwsFault as fault:
            if not fault.ambiguous:
                raise
            return [None] * len(changes)
        responses = answer.get("Responses", ())
        if len(responses) != len(changes):
            return [None] * len(changes)
        return [self._result_of(change, response) for change, response in zip(changes, responses, strict=True)]

    def _result_of(self, change: Change, response: Mapping[str, Any]) -> BatchResult:
        """A success, or a refusal unless the record that stands there would permit it by now, or be made by it."""
        error = response.get("Error", {})
        try:
            if not error:
                if isinstance(change, SELDOM_READ):
                    return LazyWritten(partial(read_item, record_of, response["Item"], self._about, ambiguous=True))
                return Written(record_of(response["Item"]))
            if error["Code"] == "ConditionalCheckFailed":
                seen = record_of(error["Item"]) if error.get("Item") else None
                return None if change.permits(seen) else Refused(seen)
        except (AttributeError, KeyError, TypeError, UnreadableItem):
            return None
        if error["Code"] == "AccessDenied":
            self._suspend()
        return None

    def _suspend(self) -> None:
        self._suspended_until = time.monotonic() + SUSPENSION_SECONDS


async def _count_units(answer: Answer) -> Answer:
    """The answer with its write units: AWS counts them, emulators leave that to us (the larger of before and after)."""
    if "ConsumedCapacity" in answer:
        return answer
    items = [each.get("Item") or each.get("Error", {}).get("Item") for each in answer.get("Responses", ())]
    return {**answer, "ConsumedCapacity": [{"CapacityUnits": float(sum(map(write_units, items)))}]}
