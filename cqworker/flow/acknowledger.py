"""What becomes of a message (deleted, hidden, left), and who carries it out: ten to a request."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.enums import ReceiptAction
from cqworker.errors import Unavailable
from cqworker.events import Emit, ReceiptRefused
from cqworker.flow.fresh_copies import FreshCopies
from cqworker.gatherer import Gatherer
from cqworker.model.backoff import retry_pauses
from cqworker.model.envelope import Envelope
from cqworker.ports import BATCH, MAX_VISIBILITY, Delivery, EntryFault, JobQueue

DELETE_LINGER = 0.050
"""Seconds a delete waits for company: nobody waits for it, and a redelivery meanwhile would only be deleted."""
ANSWER_MARGIN = 5
"""Seconds kept from the 12 h that SQS hides a message at most, counted from its receipt: requests take their time."""
TRIES = 5
"""How often an entry is sent in all, its first request included."""
LONGEST_PAUSE = 5.0
"""Seconds between two of these tries at most."""
Entry = TypeVar("Entry")


class Delete(Struct, frozen=True):
    """Delete it: its job is final, or has another message."""


class Hide(Struct, frozen=True):
    """Hide it: SQS delivers it again after so many `seconds`; 0 gives it back at once."""

    seconds: float


class Leave(Struct, frozen=True):
    """Do not touch it, for it may be another worker's: its visibility timeout runs out by itself."""


class Keep(Struct, frozen=True):
    """Hide it for so many `seconds` as it is, however near SQS's limits: a copy could outlive the record of its job."""

    seconds: float


class Resend(Struct, frozen=True):
    """Send this message, which comes after so many `seconds`, then delete the one that it takes the place of."""

    seconds: float
    envelope: Envelope


Disposition = Delete | Hide | Keep | Leave | Resend
"""What becomes of a message once the worker is done with it."""


class Acknowledger:
    """Deletes, hides or leaves a queue's messages; an entry that fails concerns its own message alone.

    Near SQS's limits a message is not hidden: a fresh copy is sent and the old one deleted (flow/fresh_copies.py).
    `max_receive_count` is that of the queue's redrive policy.
    """

    def __init__(self, queue: JobQueue, clock: Clock, emit: Emit, max_receive_count: int) -> None:
        self._queue = queue
        self._clock = clock
        self._emit = emit
        self.copies: FreshCopies = FreshCopies(queue, clock, emit, max_receive_count)
        deleting = RequestWithRetries[str](queue.delete, self._report("delete"), lambda receipt: receipt)
        hiding = RequestWithRetries[tuple[str, int]](
            self._change_visibility, self._handle_failed_hide, lambda change: change[0]
        )
        self._deletes = Gatherer(deleting.send, BATCH, DELETE_LINGER)
        self._hides = Gatherer(hiding.send, BATCH, 0.0)
        self._waiting_jobs: dict[str, tuple[Delivery, float, Envelope]] = {}
        self._copying: set[asyncio.Task[None]] = set()

    def dispose(self, delivery: Delivery, disposition: Disposition, envelope: Envelope) -> None:
        """Deletes, hides or leaves one of our own messages, without waiting for the answer."""
        match disposition:
            case Delete():
                self._deletes.add(delivery.receipt)
            case Hide(seconds) if self.copies.is_due(delivery):
                self._start(self._replace(delivery, seconds, envelope))
            case Hide(seconds) | Keep(seconds):
                self.hide(delivery, seconds)
            case Resend():
                self._start(self._resend(delivery, disposition))
            case Leave():
                return

    def dispose_settled(self, delivery: Delivery, disposition: Disposition, envelope: Envelope) -> None:
        """As `dispose`, after a settle: the message of a job that waits is sent once more if it was gone."""
        match disposition:
            case Delete():
                self._deletes.add(delivery.receipt)
            case Hide(seconds):
                self._waiting_jobs[delivery.receipt] = delivery, seconds, envelope
                self.dispose(delivery, disposition, envelope)
            case Keep() | Leave() | Resend():
                self.dispose(delivery, disposition, envelope)

    def hide(self, delivery: Delivery, seconds: float) -> None:
        """Hides a message as it is, ours or not; 0 gives it back at once."""
        held = self._clock.monotonic() - delivery.received_at
        longest = max(0, int(MAX_VISIBILITY - held) - ANSWER_MARGIN)
        self._hides.add((delivery.receipt, min(math.ceil(seconds), longest)))

    async def flush(self) -> None:
        """Returns when everything disposed of so far was answered or given up."""
        while True:
            if self._copying:
                await asyncio.wait(self._copying)
            await asyncio.gather(self._deletes.flush(), self._hides.flush())
            if not self._copying:
                return

    async def _replace(self, delivery: Delivery, seconds: float, envelope: Envelope) -> None:
        """A fresh copy first, then the old one goes; where the copy may not have arrived the old one stays."""
        if not await self.copies.replace(delivery, seconds, envelope):
            self.hide(delivery, seconds)
            return
        self._waiting_jobs.pop(delivery.receipt, None)
        self._deletes.add(delivery.receipt)

    async def _resend(self, delivery: Delivery, resend: Resend) -> None:
        """Where the other one may not have arrived the old one waits as long, and says nothing new."""
        envelope, seconds = resend.envelope, resend.seconds
        if await self.copies.send(replace(delivery, body=envelope.text()), seconds, envelope.tenant):
            self._deletes.add(delivery.receipt)
        else:
            self.dispose_settled(delivery, Hide(seconds), envelope)

    async def _change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        faults = await self._queue.change_visibility(changes)
        if self._waiting_jobs:
            refused = {fault.receipt for fault in faults}
            for receipt, _ in changes:
                if receipt not in refused:
                    self._waiting_jobs.pop(receipt, None)
        return faults

    def _handle_failed_hide(self, fault: EntryFault) -> None:
        """A job that waits must have a message: in other hands, or purged with the others, it is not ours to hide."""
        self._report("change_visibility")(fault)
        waiting = self._waiting_jobs.pop(fault.receipt, None)
        if waiting is not None and fault.gone:
            self._start(self.copies.replace_gone(*waiting))

    def _report(self, action: ReceiptAction) -> Callable[[EntryFault], None]:
        def report(fault: EntryFault) -> None:
            refusal = ReceiptRefused(queue=self._queue.name, action=action, reason=fault.reason, gone=fault.gone)
            self._emit(refusal)

        return report

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._copying.add(task)
        task.add_done_callback(self._copying.discard)


class RequestWithRetries(Generic[Entry]):
    """A request for several entries, repeated for those of them that failed and may yet succeed.

    `receipt_of` is an entry's receipt, by which a fault names it; `report` hears of every entry that is given up.
    """

    def __init__(
        self,
        request: Callable[[Sequence[Entry]], Awaitable[Sequence[EntryFault]]],
        report: Callable[[EntryFault], None],
        receipt_of: Callable[[Entry], str],
    ) -> None:
        self._request = request
        self._report = report
        self._receipt_of = receipt_of

    async def send(self, entries: list[Entry]) -> None:
        """Returns when every entry was done or given up; never raises."""
        waits = retry_pauses(cap=LONGEST_PAUSE)
        for last in (False,) * (TRIES - 1) + (True,):
            faults = await self._try(entries)
            hopeless = [fault for fault in faults if fault.gone or last]
            for fault in hopeless:
                self._report(fault)
            again = {fault.receipt for fault in faults} - {fault.receipt for fault in hopeless}
            entries = [entry for entry in entries if self._receipt_of(entry) in again]
            if not entries:
                return
            await asyncio.sleep(next(waits))

    async def _try(self, entries: list[Entry]) -> Sequence[EntryFault]:
        try:
            return await self._request(entries)
        except Exception as error:  # noqa: BLE001 - an error that no rule foresaw is reported like the others
            reason = error.cause if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
            return [EntryFault(self._receipt_of(entry), reason, gone=False) for entry in entries]
