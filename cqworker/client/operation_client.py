"""Operations from Python: retry or cancel all jobs that a filter matches, look how far that is, stop it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from cqworker.client.job_types import View
from cqworker.client.list_filters import filters_of
from cqworker.client.transport import Transport
from cqworker.errors import SubmissionRefused

Filter = Mapping[str, str | datetime]
"""Which jobs, by the names of the query of GET /jobs: `{"status": "FAILED", "type": "orders.charge", "from": …}`."""


class OperationClient:
    """What `client.operations` offers; answers are as GET /operations shows an operation.

    Jobs are chosen by a filter or by their ids, 500 at most. Over HTTP it takes a token with the scope operate; one
    with a tenant touches its own jobs alone. Every method raises CqworkerErrors: SubmissionRefused, ListingRefused,
    NotProvisioned where the table has no index for such a filter, JobNotFound where there is no such operation, and
    those of the client.
    """

    def __init__(self, transport: Callable[[], Transport]) -> None:
        self._transport = transport

    async def retry(
        self,
        jobs: Filter | Sequence[str],
        *,
        expect: int | None = None,
        rate: int | None = None,
        reason: str = "",
    ) -> View:
        """Opens another round for each, FAILED ones unless the filter says CANCELLED, `rate` a second at most.

        `expect` is how many you saw: NotAllowedNow where they are more than a tenth and 10 off by now. `reason` stands
        in the history of each, 100 bytes at most.
        """
        return await self._transport().start_operation(_body("retry", jobs, expect=expect, rate=rate, reason=reason))

    async def cancel(
        self,
        jobs: Filter | Sequence[str],
        *,
        expect: int | None = None,
        rate: int | None = None,
        reason: str = "",
    ) -> View:
        """Cancels each that waits, and asks those that run to stop; the rest is as `retry` has it."""
        return await self._transport().start_operation(_body("cancel", jobs, expect=expect, rate=rate, reason=reason))

    async def preview(self, act: str, jobs: Filter | Sequence[str]) -> View:
        """What `act`, "retry" or "cancel", would be done to: how many jobs, 20 of them, and of which kinds they are."""
        return await self._transport().start_operation(_body(act, jobs, dry_run=True))

    async def latest(self, *, limit: int | None = None, cursor: str | None = None) -> View:
        """A page of the operations, the newest first: `operations`, and `next`, the cursor of the rest."""
        asked = {"limit": None if limit is None else str(limit), "cursor": cursor}
        return await self._transport().operations({name: value for name, value in asked.items() if value is not None})

    async def show(self, operation_id: str) -> View:
        """How far it is."""
        return await self._transport().show_operation(operation_id)

    async def stop(self, operation_id: str) -> View:
        """Stops it; what it has done stays done. Raises NotAllowedNow where it has ended."""
        return await self._transport().cancel_operation(operation_id)


def _body(act: str, jobs: Filter | Sequence[str], **more: Any) -> bytes:
    if isinstance(jobs, str):
        raise SubmissionRefused(f"Give a filter or a list of ids, not the text {jobs[:80]!r}: [{jobs[:80]!r}] is one.")
    chosen: dict[str, Any] = {"filter": _filter(jobs)} if isinstance(jobs, Mapping) else {"job_ids": list(jobs)}
    return orjson.dumps(
        {"act": act} | chosen | {name: value for name, value in more.items() if value not in (None, "")}
    )


def _filter(jobs: Filter) -> dict[str, str]:
    try:
        return filters_of(**jobs)
    except (TypeError, ValueError) as error:
        raise SubmissionRefused(str(error)) from None
