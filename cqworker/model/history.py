"""The timeline that explains a job, one short string an entry so that the record stays under a kilobyte."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from cqworker.field_docs import document_fields
from cqworker.model.status import SETTLED, Status

MAX_ENTRIES = 20
"""Entries of a record's history: with reasons of full length they stay below 4 KB of its 400."""
MAX_REASON_BYTES = 100
"""Bytes of an entry's reason in UTF-8; the rest is cut off, for each is paid for with every write of the record."""
SUBMITTED = "submitted"
"""The entry of the submission, from `created_at` of the message."""
CLAIMED = "claimed"
"""The entry of each start."""
HANDED_BACK = "handed_back"
"""The entry of an attempt that was refunded."""
SNOOZED = "snoozed"
"""How the reason of a hand-back begins that the handler asked for."""
RATE = "rate"
"""How the reason of a hand-back begins of a job whose start came too soon for its rate; its key follows."""
PARKED = "parked"
"""How the reason of a hand-back begins of a job that waits for a slot of a limit; its key follows."""
CROWDED = "crowded"
"""How the reason of a hand-back begins of a job that finds no room on the waiting list of a limit; its key follows."""
LIMITED = "limit"
"""How the reason of a cancel begins that a limit with on_full = "drop" wrote; its key follows."""
RETRIED = "retried"
"""The entry that begins every round but the first."""
SCHEDULED = "scheduled"
"""The entry of a submission for a later time, which is its reason."""
REPRIORITISED = "reprioritised"
"""The entry of another level that somebody gave a job that waits; the reason says which, and who."""
RESCHEDULED = "rescheduled"
"""The entry of another time that somebody gave a job that waits; the reason says which, and who."""

REPLACED = "replaced"
"""The entry of another payload that a later submission gave a unique job; the reason counts them."""


def ending_event(status: Status) -> str:
    """The event by which a history says that an attempt ended in this status."""
    return status.lower()


EVENTS = (
    SUBMITTED,
    CLAIMED,
    HANDED_BACK,
    RETRIED,
    SCHEDULED,
    RESCHEDULED,
    REPLACED,
    REPRIORITISED,
    *map(ending_event, SETTLED),
)
"""Every event that this version writes into a history; a record may hold others, of another version."""
_repeats = re.compile(rf"({SNOOZED}|{RATE} \S+|{PARKED} \S+|{CROWDED} \S+)(?: x([0-9]+))?(?=:|$)").match
"""Reads what happens again and again, and how often it did in a row, from the reason of the last time."""
REFUNDED = frozenset({HANDED_BACK})
"""The events after which the attempt that they name does not count."""


@document_fields(
    at="When (epoch ms).",
    event="What, in one word.",
    attempt="In which attempt; 0 where it does not apply.",
    worker="Who did it, or nothing.",
    reason="Why, or nothing.",
)
class Entry(Struct, frozen=True):
    """One thing that happened to a job: when (epoch ms), what, in which attempt, where and why.

    `attempt` is 0 where it does not apply, and in a `claimed` entry as stored: a claim cannot know its number.
    """

    at: int
    event: str
    attempt: int = 0
    worker: str = ""
    reason: str = ""

    def text(self) -> str:
        """The stored form: `ms event attempt|worker|reason`, the reason cut at MAX_REASON_BYTES."""
        reason = self.reason and self.reason.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore")
        worker = self.worker.replace("|", "/")
        return f"{self.at} {self.event} {self.attempt}|{worker}|{reason}"

    @classmethod
    def read(cls, text: str) -> Entry:
        """The entry behind a stored form; raises ValueError where it is none."""
        head, worker, reason = text.split("|", 2)
        at, event, attempt = head.split(" ")
        return cls(int(at), event, int(attempt), worker, reason)


def trim(history: tuple[Entry, ...], *entries: Entry) -> tuple[Entry, ...]:
    """The history with these entries added, at most MAX_ENTRIES of it.

    Kept are the last ones, and in any case the retry that began the round.
    """
    longer = (*history, *entries)
    kept = longer[-MAX_ENTRIES:]
    began = max((place for place, entry in enumerate(longer) if entry.event == RETRIED), default=len(longer))
    return kept if began >= len(longer) - len(kept) else (longer[began], *kept[1:])


def has_entry(history: tuple[Entry, ...], entry: Entry) -> bool:
    """Whether it has this very entry as it is stored: the write that brings it was done, whatever came after."""
    said = entry.text()
    return any(known.text() == said for known in history)


def snooze_reason(why: str) -> str:
    """The reason of a hand-back that the handler asked for."""
    return f"{SNOOZED}: {why}" if why else SNOOZED


def add_hand_back(history: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """The trimmed history with a hand-back added, which ends it from its own claim on.

    A snooze right after a snooze takes its place, and says how many there were: `snoozed x7: why`; so does a job that
    is put off by one rate again. So a job that is snoozed for ever keeps the story of what came before.
    """
    again = _repeats(entry.reason)
    if again is None or len(history) < 2 or history[-1].event != CLAIMED or history[-2].event != HANDED_BACK:
        return trim(history, entry)
    before = _repeats(history[-2].reason)
    if before is None or before[1] != again[1]:
        return trim(history, entry)
    reason = f"{again[1]} x{int(before[2] or 1) + 1}{entry.reason[again.end() :]}"
    return (*history[:-2], replace(entry, reason=reason))


def unfinished_claim(history: tuple[Entry, ...], attempt: int) -> Entry | None:
    """The claim of the attempt before this one, where that came to no end: its worker died, or was cut off.

    `history` ends with this attempt's own claim. A claim that was refunded without an entry counts no attempt: then
    there is one at most since the last ending.
    """
    if attempt < 2 or len(history) < 2 or history[-2].event != CLAIMED:
        return None
    endings = (
        entry for entry in reversed(history) if entry.event == RETRIED or (entry.attempt and entry.event != CLAIMED)
    )
    last_end = next(endings, None)
    counted = 0 if last_end is None else last_end.attempt - (last_end.event in REFUNDED)
    return history[-2] if attempt - counted >= 2 else None


def trim_if_full(history: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...] | None:
    """The history to write in place of one that is full; None where the entry can simply be added to it."""
    return None if len(history) < MAX_ENTRIES else trim(history, entry)


def with_attempt_numbers(history: tuple[Entry, ...], attempt: int) -> tuple[Entry, ...]:
    """The history as people see it, with the numbers that claims cannot know when they are stored.

    A `claimed` entry has the attempt of the entry after it, the last one the record's `attempt`.
    """
    shown: list[Entry] = []
    following = attempt
    for stored in reversed(history):
        is_open = stored.event == CLAIMED and not stored.attempt
        entry = replace(stored, attempt=following) if is_open else stored
        following = entry.attempt or following
        shown.append(entry)
    return tuple(reversed(shown))
