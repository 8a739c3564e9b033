"""Letters, copies and objects that are not what they should be."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from cqworker.aws.sqs.batched_sends import BatchedSends
from cqworker.errors import CqworkerError
from cqworker.flow import fresh_copies as fresh_copies_module
from cqworker.flow.fresh_copies import FreshCopies
from cqworker.jobs import messages as messages_module
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.rounds import Rounds
from cqworker.model import attempt_writes as attempts_module
from cqworker.model.artifact_keys import artifact_key
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.record import JobRecord, envelope_of, record_from
from cqworker.plugins import job_artifacts as plugins_artifacts
from cqworker.ports import Delivery, JobQueue, Letter
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _worn(profile: Profile) -> bool:
    """Worlds in which many messages are replaced by fresh copies."""
    return profile.max_receives is not None or "old message" in profile.rates or bool(profile.closed)


def _letters_of_copies(swap: Swap, change: dict[str, object]) -> None:
    def letter(**fields: object) -> Letter:
        return Letter(**{**fields, **change})  # type: ignore[arg-type]  # the fields of a letter

    swap(fresh_copies_module, "Letter", letter)


@mutant("a fresh copy forgets its trace", where=_worn)
def _copy_without_trace(swap: Swap) -> None:
    _letters_of_copies(swap, {"traceparent": None})


@mutant("a fresh copy forgets its tenant", where=_worn)
def _copy_without_group(swap: Swap) -> None:
    _letters_of_copies(swap, {"group": None})


@mutant("a fresh copy has only what this version knows", where=_worn)
def _copy_without_the_unknown(swap: Swap) -> None:
    def letter(*, body: str, delay: int, traceparent: str | None, group: str | None) -> Letter:
        known = replace(read_envelope(body), extra={}).text()
        return Letter(body=known, delay=delay, traceparent=traceparent, group=group)

    swap(fresh_copies_module, "Letter", letter)


@mutant("an old message is put off and not replaced", where=lambda profile: bool(profile.closed))
def _age_forgotten(swap: Swap) -> None:
    def is_due(self: FreshCopies, delivery: Delivery) -> bool:
        return delivery.receive_count >= self._max_receive_count - fresh_copies_module.RECEIVES_LEFT

    swap(FreshCopies, "is_due", is_due)


@mutant("the old message goes although its copy did not arrive", where=_worn)
def _copy_not_awaited(swap: Swap) -> None:
    honest = FreshCopies.__init__

    class Hopeful:
        """A queue whose sends have always arrived."""

        def __init__(self, queue: JobQueue) -> None:
            self._queue = queue

        @property
        def name(self) -> str:
            return self._queue.name

        async def send(self, letter: Letter) -> None:
            with suppress(CqworkerError):
                await self._queue.send(letter)

    def begin(self: FreshCopies, queue: JobQueue, *others: Any) -> None:
        honest(self, queue, *others)
        self._queue = Hopeful(queue)  # type: ignore[assignment]  # fresh copies are all that it sends

    swap(FreshCopies, "__init__", begin)


@mutant("a retry forgets the tags")
def _retry_without_tags(swap: Swap) -> None:
    def remembered(record: JobRecord, *, round_number: int | None = None) -> Envelope:
        return replace(envelope_of(record, round_number=round_number), tags=())

    swap(messages_module, "envelope_of", remembered)


@mutant("a retry begins another trace")
def _retry_without_trace(swap: Swap) -> None:
    def no_trace(_record: JobRecord) -> str | None:
        return None

    swap(messages_module, "_traceparent", no_trace)


@mutant("a retry goes to the first queue", where=lambda profile: profile.queues > 1)
def _retry_elsewhere(swap: Swap) -> None:
    honest = Rounds.send

    async def send(self: Rounds, record: JobRecord, round_number: int, later: int = 0) -> None:
        first = next(iter(self._queues.configured.values()))
        queues, self._queues = self._queues, QueueDirectory({record.queue: first}, self._queues.named)
        try:
            await honest(self, record, round_number, later)
        finally:
            self._queues = queues

    swap(Rounds, "send", send)


@mutant("a claim makes a record without its tags")
def _record_without_tags(swap: Swap) -> None:
    def made(envelope: Envelope, purge_at: int, trace_id: str | None) -> JobRecord:
        return record_from(replace(envelope, tags=()), purge_at, trace_id)

    swap(attempts_module, "record_from", made)


@mutant("one send that fails in a request of ten is told to nobody", "entry fault")
def _send_unheard(swap: Swap) -> None:
    honest = BatchedSends._request

    async def request(self: BatchedSends, letters: list[Letter]) -> list[CqworkerError | None]:
        return [None for _ in await honest(self, letters)]

    swap(BatchedSends, "_request", request)


@mutant("every attempt writes to one key")
def _one_key(swap: Swap) -> None:
    def key(job_id: str, _attempt: str, name: str | None, extension: str | None) -> str:
        return artifact_key(job_id, "1-1", name, extension)

    swap(plugins_artifacts, "artifact_key", key)
