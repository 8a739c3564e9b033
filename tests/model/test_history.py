"""The timeline's stored form, its length and its numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqworker.model.history import (
    MAX_ENTRIES,
    MAX_REASON_BYTES,
    Entry,
    add_hand_back,
    snooze_reason,
    trim,
    unfinished_claim,
    with_attempt_numbers,
)
from tests.model.samples import NOW, UNHURRIED

texts = st.text(max_size=150)
entries = st.builds(
    Entry,
    at=st.integers(0, 2**43),
    event=st.sampled_from(("submitted", "claimed", "retrying", "handed_back")),
    attempt=st.integers(0, 300),
    worker=st.text("abcdefghij.-:|0123456789", max_size=30),
    reason=texts,
)


@UNHURRIED
@given(entry=entries)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    read = Entry.read(entry.text())
    assert (read.at, read.event, read.attempt) == (entry.at, entry.event, entry.attempt)
    assert read.worker == entry.worker.replace("|", "/")
    assert entry.reason.startswith(read.reason)
    assert Entry.read(read.text()) == read


@UNHURRIED
@given(reason=st.text(st.characters(), max_size=300))
def test_a_reason_is_cut_at_a_hundred_bytes_and_always_fit_to_be_stored(reason: str) -> None:
    stored = Entry(NOW, "failed", 1, "w", reason).text().encode()
    assert len(stored) <= len(f"{NOW} failed 1|w|") + MAX_REASON_BYTES


@pytest.mark.parametrize("text", ["", "1 claimed", "1 claimed 1|w", "x claimed 1|w|", "1 claimed|w|", "1 a b 1|w|"])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Entry.read(text)


def test_the_last_twenty_entries_are_kept() -> None:
    long = tuple(Entry(NOW + n, "claimed") for n in range(30))
    kept = trim(long, Entry(NOW + 99, "succeeded", 30))
    assert len(kept) == MAX_ENTRIES
    assert kept == (*long[-19:], Entry(NOW + 99, "succeeded", 30))


def test_the_retry_that_began_the_round_stays_however_long_the_round_is() -> None:
    retried = Entry(NOW, "retried")
    history: tuple[Entry, ...] = (Entry(NOW - 9, "submitted"), Entry(NOW - 8, "retried"), retried)
    for n in range(40):
        history = trim((*history, Entry(NOW + n, "claimed")), Entry(NOW + n, "handed_back", 1))
    assert len(history) == MAX_ENTRIES
    assert history[0] == retried
    assert [entry.event for entry in history].count("retried") == 1


def snooze(number: int, why: str = "") -> Entry:
    return Entry(number, "handed_back", 1, "w", snooze_reason(why))


def test_snoozes_in_a_row_are_one_entry_with_their_number_and_what_was_said_last() -> None:
    history: tuple[Entry, ...] = (Entry(0, "submitted"),)
    for n in range(1, 1001):
        history = add_hand_back((*history, Entry(n, "claimed")), snooze(n, f"look {n}"))
    last = Entry(1000, "handed_back", 1, "w", "snoozed x1000: look 1000")
    assert history == (Entry(0, "submitted"), Entry(1, "claimed"), last)


@pytest.mark.parametrize(
    ("between", "entry"),
    [
        ([Entry(5, "handed_back", 1, "w", "drain"), Entry(6, "claimed")], snooze(7)),
        ([Entry(5, "handed_back", 1, "w", "snoozed xx"), Entry(6, "claimed")], snooze(7)),
        ([Entry(5, "retrying", 1, "w", "snoozed"), Entry(6, "claimed")], snooze(7)),
        ([snooze(5), Entry(6, "claimed"), Entry(7, "claimed")], snooze(8)),
        ([snooze(5), Entry(6, "rescheduled"), Entry(7, "claimed")], snooze(8)),
        ([snooze(5), Entry(6, "claimed")], Entry(7, "handed_back", 1, "w", "drain")),
        ([], snooze(7)),
    ],
)
def test_what_is_no_snooze_right_after_a_snooze_is_an_entry_of_its_own(between: list[Entry], entry: Entry) -> None:
    assert add_hand_back(tuple(between), entry) == (*between, entry)


def test_a_long_reason_leaves_the_number_of_snoozes_readable() -> None:
    history: tuple[Entry, ...] = ()
    for n in range(30):
        kept = tuple(Entry.read(entry.text()) for entry in (*history, Entry(n, "claimed")))
        history = add_hand_back(kept, snooze(n, "ß" * 200))
    assert history[-1].text().startswith("29 handed_back 1|w|snoozed x30: ß")


def test_an_attempt_that_dies_after_snoozes_is_told_from_one_that_was_refunded() -> None:
    snoozed = Entry(5, "handed_back", 1, "w", "snoozed x7")
    assert unfinished_claim((CLAIM[1], snoozed, CLAIM[2]), 1) is None
    assert unfinished_claim((CLAIM[1], snoozed, CLAIM[2], CLAIM[3]), 2) == CLAIM[2]


def test_a_claimed_entry_shows_the_attempt_of_the_entry_after_it_and_the_last_one_the_records() -> None:
    stored = (
        Entry(1, "submitted"),
        Entry(2, "claimed", 0, "a"),
        Entry(3, "retrying", 1, "a"),
        Entry(4, "claimed", 0, "b"),
        Entry(5, "handed_back", 2, "b"),
        Entry(6, "claimed", 0, "c"),
    )
    assert [entry.attempt for entry in with_attempt_numbers(stored, 2)] == [0, 1, 1, 2, 2, 2]


CLAIM = [Entry(number, "claimed", 0, f"w{number}") for number in range(9)]
ENDED = Entry(50, "retrying", 1)


@pytest.mark.parametrize(
    ("history", "attempt", "former"),
    [
        ([CLAIM[1]], 1, None),
        ([CLAIM[1], CLAIM[2]], 2, "w1"),
        ([CLAIM[1], CLAIM[2]], 1, None),  # the first was refunded and left no other word
        ([CLAIM[1], ENDED, CLAIM[2]], 2, None),
        ([CLAIM[1], ENDED, CLAIM[2], CLAIM[3]], 3, "w2"),
        ([CLAIM[1], ENDED, CLAIM[2], CLAIM[3]], 2, None),
        ([CLAIM[1], Entry(5, "handed_back", 1), CLAIM[2], CLAIM[3]], 2, "w2"),
        ([CLAIM[1], Entry(5, "handed_back", 1), CLAIM[2]], 1, None),
        ([CLAIM[1], Entry(5, "failed", 9), Entry(6, "retried"), CLAIM[2], CLAIM[3]], 2, "w2"),
        ([CLAIM[1], Entry(5, "failed", 9), Entry(6, "retried"), CLAIM[2]], 1, None),
        ([], 2, None),
    ],
)
def test_an_attempt_after_one_that_came_to_no_end_is_told_from_every_other(
    history: list[Entry], attempt: int, former: str | None
) -> None:
    found = unfinished_claim(tuple(history), attempt)
    assert (found.worker if found else None) == former
