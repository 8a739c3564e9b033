"""text.transform."""

from __future__ import annotations

import pytest

from cqworker.testing import InvalidPayload, run_handler
from cqworker_handlers.text import transform


@pytest.mark.parametrize(
    ("text", "length", "capitals", "words"),
    [
        ("hello big  world", 16, "HELLO BIG  WORLD", 3),
        ("", 0, "", 0),
        ("straße\n\tèté", 11, "STRASSE\n\tÈTÉ", 2),
        ("👩‍🚀 fly", 7, "👩‍🚀 FLY", 2),
        ("ﬁ i ǆ ς", 7, "FI I Ǆ Σ", 4),
    ],
)
async def test_a_text_is_capitalised_and_counted(text: str, length: int, capitals: str, words: int) -> None:
    run = await run_handler(transform, {"text": text})
    assert run.result == {"original_length": length, "uppercase": capitals, "word_count": words}


@pytest.mark.parametrize(
    ("payload", "pointer"), [({}, "/text"), ({"text": 7}, "/text"), ({"text": None}, "/text"), ("text", ""), (None, "")]
)
async def test_a_payload_without_text_is_refused(payload: object, pointer: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        await run_handler(transform, payload)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


async def test_a_field_that_means_nothing_is_named() -> None:
    with pytest.raises(InvalidPayload) as refusal:
        await run_handler(transform, {"text": "a", "txet": "b"})
    assert [fault.pointer for fault in refusal.value.faults] == ["/txet"]
