"""Records and changes of every kind, drawn from a seed: close enough to fit each other about half of the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from msgspec.structs import replace

from cqworker.model.attempt_writes import SOON_MS, Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.envelope import Envelope
from cqworker.model.history import Entry
from cqworker.model.listing import Listing
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import Failure, JobRecord, Progress, envelope_of
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import SETTLED, FailureKind, Status
from cqworker.model.writes import Change
from tests.contract.clock import NOW
from tests.rails.samples import defaults_of, samples_of

PURGE = NOW // 1000 + 2_592_000
GRACE = 30_000
TOKENS = ("boot.1", "boot.2")
TRACE = "0af7651916cd43dd8448eb211c80319c"
FAILURE = Failure(FailureKind.RAISED, "It broke: naïve ☃", "ValueError", "handler", "Traceback …\n  line")
LISTING = Listing(kind="raised", fingerprint="0af76519", worker="host:1")
PROGRESS = Progress(3.0, 10.0, "ten are many", NOW - 500)


@dataclass(frozen=True, slots=True)
class Case:
    """A change asked of what stands there."""

    seen: JobRecord | None
    change: Change

    @property
    def kind(self) -> str:
        return type(self.change).__name__

    @property
    def permitted(self) -> bool:
        return self.change.permits(self.seen)


def cases(seed: int, of_each: int) -> Iterator[Case]:
    """For each kind of change so many cases that the rules permit and so many that they refuse."""
    rng, counted = Random(seed), Counter[tuple[str, bool]]()
    for maker in MAKERS:
        number = 0
        while sum(counted[maker.__name__, permitted] for permitted in (True, False)) < 2 * of_each:
            number += 1
            assert number < 100_000, f"{maker.__name__} is always permitted or never"
            case = maker(rng)
            if counted[maker.__name__, case.permitted] < of_each:
                counted[maker.__name__, case.permitted] += 1
                yield case


def record(rng: Random) -> JobRecord:
    """A record in any state, reachable or nearly so."""
    now = NOW
    known = dict[str, Any](
        job_id=f"{rng.getrandbits(64):016x}",
        type=rng.choice(("text.transform", "image.grayscale")),
        queue="cqworker",
        tenant=rng.choice(("default", "acme")),
        status=rng.choice((*Status, *[Status.RUNNING] * 6, Status.QUEUED, Status.RETRYING)),
        max_attempts=3,
        created_at=now - 60_000,
        purge_at=PURGE - 10,
        round=rng.randint(1, 3),
        attempt=rng.randint(0, 3),
        payload='{"text":"Grüße ☃"}',
        metadata=rng.choice(({}, {"source": "test", "ünï": "code"})),
        tags=rng.choice(((), ("a", "b"))),
        token=rng.choice((None, *TOKENS)),
        lease_expires_at=rng.choice((None, now - GRACE - 1, now - GRACE, now - 1, now, now + 1, now + 30_000)),
        scheduled_at=rng.choice((None, None, now - 5, now + SOON_MS, now + SOON_MS + 1)),
        due=rng.choice((None, None, "3")),
        parked=rng.choice((None, None, None, "type:t")),
        limit_key=rng.choice((None, "order-17")),
        hindered_at=rng.choice((None, now - 70_000)),
        started_at=rng.choice((None, now - 40_000)),
        finished_at=rng.choice((None, now - 30_000)),
        cancel_requested_at=rng.choice((None, None, now - 20_000)),
        progress=rng.choice((None, PROGRESS, Progress(0.5, None, None, now))),
        result=rng.choice((None, '{"words":2}')),
        result_ref=rng.choice((None, None, "s3://bucket/result.json")),
        failure=rng.choice((None, FAILURE, Failure(FailureKind.LOST, "gone"))),
        history=history(rng.randint(1, 20)),
        trace_id=rng.choice((None, TRACE)),
        listing=rng.choice((None, None, LISTING)),
    )
    return JobRecord(**known, **_of_later_versions(rng, known))


def _of_later_versions(rng: Random, known: dict[str, Any]) -> dict[str, Any]:
    """What a record has beside the fields that are drawn above: its default, or something else."""
    defaults, samples = _values()
    return {name: rng.choice((defaults[name], samples[name])) for name in samples if name not in known}


@cache
def _values() -> tuple[dict[str, Any], dict[str, Any]]:
    """The defaults of a record's fields and other values of theirs, made once."""
    return defaults_of(JobRecord), samples_of(JobRecord)


def history(length: int) -> tuple[Entry, ...]:
    """So many entries, the first of them the submission."""
    later = tuple(Entry(NOW - 50_000 + n, "retried", n, "host:1", "wait | and see: é") for n in range(1, length))
    return (Entry(NOW - 60_000, "submitted"), *later)


def message(rng: Random, seen: JobRecord | None) -> Envelope:
    """The message of this record, or of one that was never written, in a round near the record's."""
    base = seen or record(rng)
    made = envelope_of(base, round_number=max(1, base.round + rng.choice((-1, 0, 0, 1))))
    return replace(made, at=rng.choice((made.at, made.at, base.scheduled_at, NOW)))


def sometimes(rng: Random, made: JobRecord) -> JobRecord | None:
    return made if rng.random() < 0.85 else None


def close(rng: Random, seen: JobRecord) -> JobRecord:
    """The record as somebody may have read it a moment ago."""
    changes: tuple[dict[str, Any], ...] = (
        {},
        {},
        {},
        {"attempt": seen.attempt + 1},
        {"round": seen.round + 1},
        {"token": None},
        {"token": TOKENS[0]},
        {"status": rng.choice(list(Status))},
    )
    return replace(seen, **rng.choice(changes))


def enter(rng: Random) -> Case:
    made = record(rng)
    seen = replace(record(rng), job_id=made.job_id)
    return Case(seen if rng.random() < 0.5 else None, Enter(record=made))


def claim(rng: Random) -> Case:
    return _start(rng, Claim)


def reopen(rng: Random) -> Case:
    return _start(rng, Reopen)


def _start(rng: Random, kind: type[Claim]) -> Case:
    seen = sometimes(rng, record(rng))
    change = start(kind, message(rng, seen), rng.choice(TOKENS), seen.trace_id if seen else TRACE)
    return Case(seen, replace(change, grace=rng.choice((0, GRACE))))


def start(kind: type[Claim], envelope: Envelope, token: str, trace_id: str | None) -> Claim:
    """A claim or a reopening at NOW."""
    times: dict[str, Any] = {"now": NOW, "lease_expires_at": NOW + 60_000, "purge_at": PURGE}
    return kind(envelope=envelope, token=token, worker="host:1", trace_id=trace_id, **times)


def renew(rng: Random) -> Case:
    seen, progress = record(rng), rng.choice((None, PROGRESS))
    fence = _fence(rng, seen)
    return Case(sometimes(rng, seen), Renew(**fence, lease_expires_at=NOW + 60_000, progress=progress))


def settle(rng: Random) -> Case:
    seen, status = record(rng), rng.choice(SETTLED)
    change = Settle(
        **_fence(rng, seen),
        status=status,
        now=NOW,
        purge_at=PURGE,
        entry=Entry(NOW, status.lower(), 1, "host:1", "why"),
        history=rng.choice((None, history(rng.randint(1, 20)))),
        progress=rng.choice((None, PROGRESS)),
        result=rng.choice((None, "null", '{"n":1}')),
        result_ref=rng.choice((None, "s3://bucket/new.json")),
        failure=rng.choice((None, FAILURE)),
        scheduled_at=rng.choice((None, NOW + 5000)),
        marked=rng.random() < 0.3,
        hindered_at=rng.choice((None, NOW - 100)),
        listing=rng.choice((None, LISTING)),
    )
    return Case(sometimes(rng, seen), change)


def hand_back(rng: Random) -> Case:
    seen, past = record(rng), rng.choice((None, history(3)))
    scheduled_at = rng.choice((None, NOW + 5000))
    change = HandBack(
        **_fence(rng, seen),
        purge_at=PURGE,
        history=past,
        scheduled_at=scheduled_at,
        marked=rng.random() < 0.5,
        hindered_at=rng.choice((None, NOW - 100)),
        parked=rng.choice((None, None, "type:t", "tenant:acme")),
    )
    return Case(sometimes(rng, seen), change)


def forestall(rng: Random) -> Case:
    seen = record(rng)
    change = Forestall(
        seen=close(rng, seen),
        status=rng.choice([status for status in Status if status.is_final]),
        now=NOW,
        purge_at=PURGE,
        entry=Entry(NOW, "failed", 0, "", "crashed"),
        failure=rng.choice((None, FAILURE)),
        listing=rng.choice((None, LISTING)),
    )
    return Case(sometimes(rng, seen), change)


def ask_cancel(rng: Random) -> Case:
    seen = record(rng)
    return Case(sometimes(rng, seen), AskCancel(job_id=seen.job_id, round=rng.choice((1, seen.round)), now=NOW))


def new_round(rng: Random) -> Case:
    seen = record(rng)
    return Case(
        sometimes(rng, seen),
        NewRound(seen=close(rng, seen), now=NOW, purge_at=PURGE, reason=rng.choice(("", "by ann"))),
    )


def lose(rng: Random) -> Case:
    seen = sometimes(rng, record(rng))
    trace_id = seen.trace_id if seen else None
    grace = rng.choice((0, GRACE))
    listing = rng.choice((None, LISTING))
    times: dict[str, Any] = {"now": NOW, "purge_at": PURGE}
    return Case(seen, Lose(envelope=message(rng, seen), trace_id=trace_id, grace=grace, listing=listing, **times))


def hand_over(rng: Random) -> Case:
    seen = record(rng)
    return Case(sometimes(rng, seen), HandOver(seen=replace(close(rng, seen), due=None)))


def reschedule(rng: Random) -> Case:
    seen = record(rng)
    entry = Entry(NOW, "rescheduled", 0, "", "later")
    change = Reschedule(
        seen=close(rng, seen),
        scheduled_at=NOW + rng.choice((0, 86_400_000)),
        purge_at=PURGE,
        entry=entry,
        payload=rng.choice((None, None, '{"text":"new"}')),
    )
    return Case(sometimes(rng, seen), change)


def reprioritise(rng: Random) -> Case:
    seen = record(rng)
    priority = rng.choice(("high", "medium", "low"))
    entry = Entry(NOW, "reprioritised", 0, "", priority)
    change = Reprioritise(seen=close(rng, seen), priority=priority, purge_at=PURGE, entry=entry)
    return Case(sometimes(rng, seen), change)


def _fence(rng: Random, seen: JobRecord) -> dict[str, Any]:
    return {"job_id": seen.job_id, "token": seen.token or rng.choice(TOKENS)}


MAKERS: tuple[Callable[[Random], Case], ...] = (
    enter,
    claim,
    reopen,
    renew,
    settle,
    hand_back,
    forestall,
    ask_cancel,
    new_round,
    lose,
    hand_over,
    reschedule,
    reprioritise,
)
