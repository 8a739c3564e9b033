"""What the reader of strangers' JSON takes and refuses."""

from __future__ import annotations

import json
import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqworker.jobs.strict_json import MAX_DEPTH, NotStrictJson, read_object

REFUSED = {
    "empty": (b"", "empty"),
    "blank": (b" \n", "empty"),
    "words": (b"hello", "not JSON"),
    "cut off": (b'{"a": 1', "brackets do not match"),
    "two values": (b"{} {}", "not JSON"),
    "a list": (b"[1]", "a list"),
    "a string": (b'"a"', "a string"),
    "a number": (b"12", "a number"),
    "null": (b"null", "null"),
    "true": (b"true", "true or false"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b'{"a": -Infinity}', "-Infinity"),
    "an endless float": (b'{"a": 1e999}', "too large"),
    "a twice said key": (b'{"b": {"a": 1, "a": 2}}', 'The key "a" appears twice'),
    "an escaped twin key": (b'{"a": 1, "\\u0061": 2}', 'The key "a" appears twice'),
    "an integer above 64 bits": (b'{"a": 18446744073709551616}', "64 bits"),
    "an integer below 64 bits": (b'{"a": -9223372036854775809}', "64 bits"),
    "5,000 digits": (b'{"a": ' + b"1" * 5000 + b"}", "64 bits"),
    "half a surrogate pair": (b'{"a": {"b/c": ["\\ud800"]}}', "/a/b~1c/0"),
    "half a surrogate pair in a key": (b'{"a": {"\\udfff": 1}}', "A key below /a"),
    "raw surrogates": (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
    "Latin-1": (b'{"a": "\xe9"}', "UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "UTF-8"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
    "a raw newline in a string": (b'{"a": "\n"}', "not JSON"),
    "a trailing comma": (b'{"a": 1,}', "not JSON"),
    "depth 33": (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "deeper than 32"),
    "depth 100,000": (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeper than 32"),
    "depth 100,000, unclosed": (b"[" * 100_000, "deeper than 32"),
    "closing brackets only": (b"]" * 100_000, "do not match"),
}
TAKEN = [
    b"{}",
    b'\t{"a": 1}\r\n',
    b'{"a": 18446744073709551615, "b": -9223372036854775808}',
    b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
    rb'{"a": "\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\", "b": "\""}',
    rb'{"a": "\ud83d\ude00", "b": "\u0000"}',
    b'{"a": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
    b'{"a": [' + b"[]," * 1000 + b"{}]}",
    '{"a": "grüße 😀"}'.encode(),
    b'{"": {"": ""}}',
]


@pytest.mark.parametrize("name", REFUSED)
def test_what_readers_disagree_about_is_refused_in_words(name: str) -> None:
    body, words = REFUSED[name]
    with pytest.raises(NotStrictJson, match=words.replace("[", r"\[")):
        read_object(body)


@pytest.mark.parametrize("body", TAKEN)
def test_what_every_reader_understands_alike_is_taken(body: bytes) -> None:
    assert read_object(body) == orjson.loads(body)


UNHURRIED = settings(deadline=None)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@UNHURRIED
@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.booleans())
def test_every_value_comes_back_as_it_was_sent(value: dict[str, object], ascii_only: bool) -> None:
    assert read_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@UNHURRIED
@given(st.binary(max_size=60) | st.text('{}[]":,\\1aeun ', max_size=60).map(str.encode))
def test_any_bytes_give_an_object_or_a_sentence(body: bytes) -> None:
    try:
        outcome: object = read_object(body)
    except NotStrictJson as refusal:
        outcome = str(refusal)
    assert isinstance(outcome, dict) or str(outcome).endswith(".")


@pytest.mark.parametrize("unit", [b'\\"', b'"', b"[", b"[]", b"{", b"\\", b'["', b"[[]]", b'"[\\"'])
def test_a_mebibyte_of_malice_costs_less_than_a_second(unit: bytes) -> None:
    body = b'{"a": "' + unit * (1_048_576 // len(unit))
    started = time.process_time()
    with pytest.raises(NotStrictJson):
        read_object(body)
    assert time.process_time() - started < 1
