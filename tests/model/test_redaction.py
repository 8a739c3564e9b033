"""No secret stays in a text, wherever it is cut."""

from __future__ import annotations

import pytest

from cqworker.model.redaction import REDACTED, may_hold_secret, redact, redacted_end, redacted_start
from tests.model.leaks import CANARY, HARMLESS, SECRETS


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_and_its_neighbours_stay(secret: str) -> None:
    told = redact(f"before it\n{secret}\nafter it")
    assert CANARY not in told
    assert REDACTED in told
    assert told.startswith("before it\n")
    assert told.endswith("\nafter it")


@pytest.mark.parametrize("secret", SECRETS)
def test_what_is_redacted_once_stays_as_it_is(secret: str) -> None:
    assert redact(redact(secret)) == redact(secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_the_quick_look_at_a_line_overlooks_no_secret(secret: str) -> None:
    assert may_hold_secret(f"a line {secret}".encode())
    assert may_hold_secret(f"a line {secret}".upper().encode())


@pytest.mark.parametrize("harmless", HARMLESS)
def test_harmless_words_stay(harmless: str) -> None:
    assert redact(harmless) == harmless


@pytest.mark.parametrize("secret", SECRETS)
def test_a_cut_through_a_secret_leaves_no_piece_of_it(secret: str) -> None:
    before, _, after = secret.rpartition(CANARY)
    long = before + CANARY * 2000 + after
    for limit in (20, 200, 1200):
        assert CANARY[-6:] not in redacted_start(long, limit)
        assert CANARY[-6:] not in redacted_end(f"at the start {long}", limit)
        assert CANARY[-6:] not in redacted_end(long, limit)


def test_the_start_and_the_end_are_as_long_as_asked() -> None:
    text = "word " * 10_000
    assert redacted_start(text, 1000) == text[:1000]
    assert redacted_end(text, 1000) == text[-1000:]
    assert redacted_start("short", 1000) == redacted_end("short", 1000) == "short"
