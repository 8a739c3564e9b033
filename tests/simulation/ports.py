"""The ports of a simulated process: requests through its link, answers as the services' clients give them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import BinaryIO

from msgspec.structs import replace

from cqworker.clock import Clock
from cqworker.errors import ArtifactMissing, ArtifactTooLarge, CqworkerError, NotProvisioned, Unavailable
from cqworker.flow.lease import Lease
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Settle
from cqworker.model.rates import Busy, RateAsk, RateState, Reserved
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import HandOver
from cqworker.model.unique_hold import UniqueHold
from cqworker.model.writes import Change, Refused, Written
from cqworker.ports import BATCH, Delivery, Depth, EntryFault, KeyItem, Letter, StoredObject, WriteChunk
from cqworker.ports.schedule import DueEntry, SweepLease
from tests.simulation.index_service import IndexService
from tests.simulation.network import Call, Link
from tests.simulation.queue_service import QueueService
from tests.simulation.rate_service import RateService
from tests.simulation.store_service import ObjectService, StoreService, as_old_reads_it

RECEIVE_GRACE = 10.0
"""Seconds that a receive may last beyond its wait, as in the AWS room."""


class SimQueue:
    """A JobQueue behind a link; `leases` are those that its process keeps."""

    def __init__(self, service: QueueService, link: Link, clock: Clock, leases: Callable[[], Iterable[Lease]]) -> None:
        self._service = service
        self._link = link
        self._clock = clock
        self._leases = leases
        self._received: dict[str, Delivery] = {}

    @property
    def name(self) -> str:
        return self._service.name

    async def send(self, letter: Letter) -> None:
        await self._link.call(Call("sqs", "send", self.name), lambda: self._service.send(letter))

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        call = Call("sqs", "send_many", self.name)
        answers = await self._link.call(call, lambda: self._service.send_many(letters))
        if any(answers):
            self._link.troubled(call)
        return answers

    async def receive(self, limit: int, wait: int, visibility: int) -> Sequence[Delivery]:
        call = Call("sqs", "receive", self.name, deadline=wait + RECEIVE_GRACE)
        handed = await self._link.ask(call, lambda: self._service.receive(limit, wait, visibility, self._link.process))
        received_at = self._clock.monotonic()
        deliveries = [
            Delivery(
                queue=self.name,
                message_id=one.message_id,
                receipt=one.receipt,
                body=one.body,
                receive_count=one.receive_count,
                sent_at=one.sent_at,
                received_at=received_at,
                traceparent=one.traceparent,
            )
            for one in handed
        ]
        self._received |= {one.receipt: one for one in deliveries}
        return deliveries

    async def delete(self, receipts: Sequence[str]) -> Sequence[EntryFault]:
        call = Call("sqs", "delete", " ".join(receipts))
        self._check(call, receipts)
        return await self._link.call(call, lambda: self._service.delete(receipts))

    async def change_visibility(self, changes: Sequence[tuple[str, int]]) -> Sequence[EntryFault]:
        call = Call("sqs", "change_visibility", " ".join(f"{receipt}={seconds}" for receipt, seconds in changes))
        self._check(call, [receipt for receipt, _ in changes])
        for receipt, seconds in changes:
            self._judge(call, self._received[receipt], seconds)
        faults = await self._link.call(call, lambda: self._service.change_visibility(changes))
        if any(not fault.gone for fault in faults):
            self._link.troubled(call)
        return faults

    def _check(self, call: Call, receipts: Sequence[str]) -> None:
        """One owner says one thing about a receipt at a time, and ten fit into a request."""
        if len(set(receipts)) < len(receipts) or not 1 <= len(receipts) <= BATCH:
            self._link.accuse("a batch that must not be:", call)

    def _judge(self, call: Call, delivery: Delivery, seconds: int) -> None:
        """Nothing is hidden for longer than SQS takes it, and what is old is replaced, not put off.

        A message whose lease is kept is renewed, not put off: while its job runs nobody else shall have it, and it is
        replaced when it is let go of. The seconds do not tell the two apart: the last renewals before SQS's longest
        time are cut short, and a second copy may be put off for just a period.
        """
        too_long = self._clock.monotonic() + seconds > delivery.received_at + self._service.longest_hold
        if seconds and too_long and not self._is_repeated(f"{delivery.receipt}={seconds}"):
            self._link.accuse("hidden for longer than SQS takes it:", call)
        is_old = self._service.is_old(delivery, self._clock.now())
        is_kept = any(lease.delivery.receipt == delivery.receipt for lease in self._leases())
        if is_old and not is_kept and not self._failed_to_send():
            self._link.accuse("an old message was put off and not replaced:", call)

    def _is_repeated(self, change: str) -> bool:
        """Whether the same was asked for before and not answered: what was right then may be too late by now."""
        return any(change in trouble.call.about.split() for trouble in self._link.troubles)

    def _failed_to_send(self) -> bool:
        """Whether a fresh copy may have failed just now."""
        return any(trouble.call.name in ("send", "send_many") for trouble in self._link.troubles)

    async def depth(self) -> Depth:
        return await self._link.call(Call("sqs", "depth", self.name, reads=True), self._service.depth)


class SimStore:
    """A JobStore behind a link."""

    def __init__(self, service: StoreService, link: Link, stalls: Callable[[], bool]) -> None:
        self._service = service
        self._link = link
        self._stalls = stalls

    async def get(self, job_id: str) -> JobRecord | None:
        return await self._link.call(Call("dynamodb", "get", job_id, reads=True), lambda: self._service.get(job_id))

    async def write(self, change: Change) -> Written | Refused:
        if isinstance(change, HandOver) and self._stalls():
            await asyncio.sleep(0)  # the message is out: whatever befalls the process befalls it here
        call = Call("dynamodb", type(change).__name__, about(change))
        return await self._link.call(call, lambda: self._write(change))

    def _write(self, change: Change) -> Written | Refused:
        return self._service.write(change, self._link.process)

    async def reserve_key(self, key: KeyItem, now: int) -> KeyItem | None:
        call = Call("dynamodb", "reserve_key", key.key[:8])
        return await self._link.call(call, lambda: self._service.reserve_key(key, now))

    async def check(self) -> None:
        await self._link.call(Call("dynamodb", "check", "", reads=True), lambda: None)

    async def check_writing(self) -> None:
        await self._link.call(Call("dynamodb", "check_writing", "", reads=True), lambda: None)


class AncientStore(SimStore):
    """The same as the version before the index of due jobs writes and reads it."""

    def __init__(self, service: StoreService, link: Link, clock: Clock, started_marked: Callable[[], None]) -> None:
        super().__init__(service, link, lambda: False)
        self._clock = clock
        self._started_marked = started_marked

    async def get(self, job_id: str) -> JobRecord | None:
        return as_old_reads_it(await super().get(job_id), self._clock.now())

    def _write(self, change: Change) -> Written | Refused:
        before = self._service.records.get(change.job_id)
        answer = self._service.write(change, self._link.process, ancient=True)
        if isinstance(answer, Refused):
            return Refused(as_old_reads_it(answer.seen, self._clock.now()))
        if isinstance(change, Claim) and before is not None and before.is_marked:
            self._started_marked()
        return Written(replace(answer.record, due=None, hindered_at=None))


class SimSchedule:
    """The index of due jobs behind a link."""

    def __init__(self, index: IndexService, link: Link) -> None:
        self._index = index
        self._link = link

    async def is_ready(self) -> bool:
        return await self._link.call(Call("dynamodb", "is_ready", "", reads=True), self._index.is_ready)

    async def due(
        self, shard: str, until: int, limit: int, after: DueEntry | None = None
    ) -> tuple[Sequence[DueEntry], DueEntry | None]:
        call = Call("dynamodb", "due", shard, reads=True)
        answer = await self._link.call(call, lambda: self._index.due(shard, until, limit, after))
        if answer is None:
            raise NotProvisioned("There is no index.")
        return answer

    async def read_many(self, job_ids: Collection[str]) -> Sequence[JobRecord]:
        call = Call("dynamodb", "read_many", " ".join(job_ids), reads=True)
        return await self._link.call(call, lambda: self._index.read_many(job_ids))

    async def sweep_leases(self) -> Sequence[SweepLease]:
        return await self._link.call(Call("dynamodb", "sweep_leases", "", reads=True), self._index.sweep_leases)

    async def take_sweep_lease(self, lease: SweepLease, now: int) -> bool:
        call = Call("dynamodb", "take_sweep_lease", lease.shard)
        return await self._link.call(call, lambda: self._index.take(lease, now))

    async def give_up_sweep_lease(self, shard: str, holder: str) -> None:
        call = Call("dynamodb", "give_up_sweep_lease", shard)
        await self._link.call(call, lambda: self._index.give_up(shard, holder))


class SimRates:
    """The rates of keys behind a link."""

    def __init__(self, rates: RateService, link: Link) -> None:
        self._rates = rates
        self._link = link

    async def reserve(self, ask: RateAsk) -> Reserved | Busy:
        return await self._link.call(Call("dynamodb", "reserve_rate", ask.key), lambda: self._rates.reserve(ask))

    async def rate_state(self, key: str) -> RateState | None:
        call = Call("dynamodb", "rate_state", key, reads=True)
        return await self._link.call(call, lambda: self._rates.states.get(key))


class SimUniqueKeys:
    """The unique keys behind a link."""

    def __init__(self, service: StoreService, link: Link) -> None:
        self._service = service
        self._link = link

    async def take(self, hold: UniqueHold) -> UniqueHold | None:
        call = Call("dynamodb", "take", f"{hold.key[:8]} for {hold.job_id} r{hold.round} rev {hold.rev}")
        return await self._link.call(call, lambda: self._service.take(hold))

    async def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        call = Call("dynamodb", "decide", f"{key.key[:8]} for {key.job_id}")
        return await self._link.call(call, lambda: self._service.decide(key, former))


class NoQueue:
    """A queue that does not exist."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def send(self, _letter: Letter) -> None:
        raise Unavailable("sqs", f"There is no queue {self.name}.", "", concerns="right")

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        return [Unavailable("sqs", f"There is no queue {self.name}.", "", concerns="right") for _ in letters]


class SimArtifacts:
    """An artifact store behind a link."""

    def __init__(self, service: ObjectService, link: Link) -> None:
        self._service = service
        self._link = link

    def reference(self, key: str) -> str:
        return self._service.ROOT + key

    async def put(self, key: str, data: bytes | BinaryIO, content_type: str) -> str:
        whole = data if isinstance(data, bytes) else data.read()
        reference, found = self.reference(key), StoredObject(whole, content_type)
        await self._link.call(Call("s3", "put", key), lambda: self._service.put(reference, found))
        return reference

    async def get(self, reference: str, limit: int) -> StoredObject:
        found = await self._link.call(Call("s3", "get", reference, reads=True), lambda: self._service.get(reference))
        if found is None:
            raise ArtifactMissing(f"There is no object at {reference}.")
        if len(found.data) > limit:
            raise ArtifactTooLarge(f"{reference} has {len(found.data)} bytes; at most {limit} are read.")
        return found

    async def copy(self, reference: str, limit: int, keep: WriteChunk) -> str:
        found = await self.get(reference, limit)
        await keep(found.data)
        return found.content_type

    async def check(self) -> None:
        await self._link.call(Call("s3", "check", "", reads=True), lambda: None)

    async def check_writing(self) -> None:
        await self._link.call(Call("s3", "check_writing", "", reads=True), lambda: None)


def about(change: Change) -> str:
    """Whose change it is: an attempt's own by its token, every other by its job."""
    match change:
        case Claim(token=token) | Renew(token=token) | Settle(token=token) | HandBack(token=token):
            return f"{change.job_id} {token}"
        case _:
            return change.job_id
