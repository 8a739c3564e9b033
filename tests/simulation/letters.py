"""Reads every letter that is sent: whole, and field by field the same as what its job was handed in as."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from cqworker.flow.job_ref import stored_trace_id
from cqworker.jobs.submission import Submission
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.envelope_fields import MAX_CLOCK_LEAD_MS, NewerEnvelope, NotAnEnvelope
from cqworker.model.priorities import level_queue
from cqworker.model.record import JobRecord, record_from
from cqworker.model.trace import trace_id_for
from cqworker.ports import Letter, StoredObject

MADE_WITH = (
    "type",
    "queue",
    "tenant",
    "max_attempts",
    "created_at",
    "payload_ref",
    "metadata",
    "tags",
    "limit_key",
    "trace_id",
    "unique",
)
"""What a record is made with, and what no change may touch."""


class Letters:
    """The accounts of all letters of our own.

    A copy says what a letter of its job and round said before, to the byte. An operator's letter, and one that is sent
    for a time or a slot, is written from the record, so it may lack what only a newer version of ours understands, and
    name another parent in the same trace; one that brings its moment is written anew, too.
    """

    def __init__(self, accuse: Callable[..., None], found: Callable[[str], StoredObject | None]) -> None:
        self.asked: dict[str, Submission] = {}
        self.retried: set[str] = set()
        self.reprioritised: set[str] = set()
        self.payloads: Mapping[str, Sequence[tuple[str, float]]] = {}
        self._accuse = accuse
        self._found = found
        self._versions: dict[str, list[tuple[Envelope, Letter]]] = defaultdict(list)
        self._seen: dict[tuple[str, int], set[tuple[str, str | None, str | None]]] = defaultdict(set)

    def handed_in(self, asked: str, request: Submission) -> None:
        """A client asks for a job. What is sent is judged by the name it carries, so no two requests may share one."""
        if self.asked.setdefault(asked, request) != request:
            self._accuse("one name stands for two requests:", asked)

    def sent(self, queue: str, letter: Letter) -> None:
        """Somebody put a letter into this queue."""
        try:
            envelope = read_envelope(letter.body)
        except (NotAnEnvelope, NewerEnvelope):
            return
        if queue not in (f"{envelope.queue}-dead", level_queue(envelope.queue, envelope.priority)):
            self._accuse("a letter in a wrong queue:", queue, letter)
        seen = self._seen[envelope.job_id, envelope.round]
        known = (letter.body, letter.traceparent, letter.group)
        envelope = self._as_first(envelope)
        if known not in seen:
            self._judge(envelope, letter)
        seen.add(known)

    def _as_first(self, envelope: Envelope) -> Envelope:
        """As it was before its payload was replaced: with that of the request whose name it has."""
        request = self.asked.get(envelope.metadata.get("asked", ""))
        if envelope.replacements is None or request is None:
            return envelope
        given, names = json.loads(envelope.payload or "{}").get("asked"), self.payloads[envelope.job_id]
        if names[envelope.replacements : envelope.replacements + 1] and given != names[envelope.replacements][0]:
            self._accuse("a letter has another payload than its job had by then:", given, *names)
        return replace(envelope, payload=request.payload, replacements=None)

    def created(self, record: JobRecord) -> None:
        """A record was made: by its submitter, or from a message.

        Who repeats a request near the reach of SQS's delays may put for later, by a clock that is behind, what was sent
        already: it says when it was made itself, and the index has another message sent for it.
        """
        request = self.asked.get(name := record.metadata.get("asked", ""))
        put_again = record.due is not None and request is not None and _may_come_again(request)
        sent = self._versions.get(record.job_id, [])
        versions = [one for one in sent if not put_again or one[0].metadata.get("asked") == name]
        wrong = [_deviations_of(record, *version, put_again=put_again) for version in versions]
        if wrong and [] not in wrong:
            self._accuse("a record was not made as its letter says:", record.job_id, *wrong[0])

    def _judge(self, envelope: Envelope, letter: Letter) -> None:
        """A letter that says what no letter of this job and round has said."""
        versions = self._versions[envelope.job_id]
        request = self.asked.get(envelope.metadata.get("asked", ""))
        sent_for = not _is_sent_at_once(envelope) or envelope.admitted is not None
        by_operator = envelope.job_id in self.retried | self.reprioritised or sent_for
        if envelope.job_id in self.reprioritised:
            asked_for = request.priority if request is not None else None
            envelope = replace(envelope, priority=versions[0][0].priority if versions else str(asked_for or "medium"))
        wrong = [_differences(envelope, letter, *version, by_operator=by_operator) for version in versions]
        if [] in wrong:
            return
        is_first = envelope.round == 1 or (request is not None and request.replaces)  # put for later, it had no letter
        handed_in_again = request is not None and _may_come_again(request) and is_first
        if not versions or handed_in_again:
            versions.append((envelope, letter))
            wrong = [self._deviations(envelope, letter, request)] if request is not None else [[]]
        if wrong[0]:
            self._accuse("a letter is not what was asked for:", *wrong[0], letter)

    def _deviations(self, envelope: Envelope, letter: Letter, request: Submission) -> list[str]:
        """How a letter differs from what somebody handed in."""
        said = {
            "type": (envelope.type, request.type),
            "tenant": (envelope.tenant, request.tenant),
            "group": (letter.group, None if request.tenant == "default" else request.tenant),
            "queue": (envelope.queue, request.queue or envelope.queue),
            "max_attempts": (envelope.max_attempts, request.max_attempts or envelope.max_attempts),
            "metadata": (dict(envelope.metadata), dict(request.metadata)),
            "tags": (envelope.tags, request.tags),
            "priority": (envelope.priority or "medium", request.priority or "medium"),
            "limit_key": (envelope.limit_key, request.limit_key),
            "delay": (letter.delay if _is_sent_at_once(envelope) else 0, self._delay(request, envelope)),
            "payload": (self._payload(envelope), json.loads(request.payload)),
            "trace": (_trace(envelope, letter), trace_id_for(envelope.job_id, request.traceparent)),
        }
        return _unequal(said)

    def _delay(self, request: Submission, envelope: Envelope) -> int:
        """The seconds that SQS has to delay a letter; one that was sent for a time says so itself."""
        if not _is_sent_at_once(envelope) or envelope.round > 1:
            return 0
        return max(
            request.delay_seconds,
            request.debounce_seconds,
            -(-max(0, (request.run_at or 0) - envelope.created_at) // 1000),
        )

    def _payload(self, envelope: Envelope) -> object:
        if envelope.payload_ref is None:
            return json.loads(envelope.payload or "null")
        found = self._found(envelope.payload_ref)
        return json.loads(found.data) if found is not None else None


def _may_come_again(request: Submission) -> bool:
    """Who repeats a request, or meets a unique key whose job was never sent, sends it under the same id."""
    return request.idempotency_key is not None or request.unique is not None


def differences(one: JobRecord, other: JobRecord) -> list[str]:
    """The names of what a record is made with that differ between the two."""
    wrong = [name for name in MADE_WITH if getattr(one, name) != getattr(other, name)]
    if one.payload != other.payload and json.loads(one.payload or "null") != json.loads(other.payload or "null"):
        wrong.append("payload")
    return wrong


def _differences(
    envelope: Envelope, letter: Letter, first: Envelope, original: Letter, *, by_operator: bool
) -> list[str]:
    """How a letter differs from the one that its job was handed in with."""
    said: dict[str, tuple[object, object]] = {
        "envelope": (
            replace(envelope, round=1, at=None, woken=None, admitted=None, extra={}),
            _aged(replace(first, round=1, at=None, woken=None, admitted=None, extra={}), envelope.created_at),
        ),
        "group": (letter.group, original.group),
        "trace": (_trace(envelope, letter), _trace(first, original)),
    }
    if not by_operator and _is_sent_at_once(first):
        said["body"] = (letter.body, original.body)
        said["traceparent"] = (letter.traceparent, original.traceparent)
    return _unequal(said)


def _is_sent_at_once(envelope: Envelope) -> bool:
    """Whether it was sent neither for a time nor for a slot."""
    return envelope.at is None and envelope.woken is None


def _unequal(said: Mapping[str, tuple[object, object]]) -> list[str]:
    return [name for name, (one, other) in said.items() if one != other]


def _deviations_of(record: JobRecord, envelope: Envelope, letter: Letter, *, put_again: bool) -> list[str]:
    trace_id = stored_trace_id(record.job_id, letter.traceparent)
    if put_again:
        envelope = replace(envelope, created_at=record.created_at)
    return differences(record_from(_aged(envelope, record.created_at), record.purge_at, trace_id), record)


def _aged(envelope: Envelope, created_at: int) -> Envelope:
    """As it is taken where its queue pretended that it was sent long before it was made."""
    return (
        replace(envelope, created_at=created_at) if envelope.created_at - created_at > MAX_CLOCK_LEAD_MS else envelope
    )


def _trace(envelope: Envelope, letter: Letter) -> str:
    return trace_id_for(envelope.job_id, letter.traceparent)
