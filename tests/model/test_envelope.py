"""The message body: what is sent is read again, and what others send never surprises."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.json import Decoder
from msgspec.structs import replace

from cqworker.model import envelope
from cqworker.model.envelope import MAX_BODY_BYTES, Envelope, read_envelope
from cqworker.model.envelope_fields import NewerEnvelope, NotAnEnvelope
from cqworker.model.job_limits import MAX_TIME_MS
from cqworker.model.record import envelope_of, record_from
from tests.model.samples import NOW, PURGE, UNHURRIED, message

BODY: dict[str, Any] = {
    "cqworker": 1,
    "job_id": "job-1",
    "round": 1,
    "type": "text.transform",
    "queue": "jobs",
    "tenant": "default",
    "payload": {"text": "hello"},
    "max_attempts": 3,
    "created_at": NOW - 60_000,
}
SQS_SAFE = re.compile("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
plain = st.text("abcXYZ019_-", min_size=1, max_size=64)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
envelopes = st.builds(
    Envelope,
    job_id=names,
    type=names,
    queue=plain,
    tenant=plain,
    round=st.integers(1, 1000),
    max_attempts=st.integers(1, 300),
    created_at=st.integers(1, MAX_TIME_MS),
    payload=st.none() | json_values.map(lambda value: json.dumps(value, separators=(",", ":"))),
    payload_ref=st.none() | names,
    metadata=st.dictionaries(texts, texts, max_size=3),
    tags=st.lists(names, max_size=3).map(tuple),
    extra=st.dictionaries(texts.map(lambda name: f"x-{name}"), json_values, max_size=2),
)


def body(**changed: Any) -> str:
    return json.dumps({**BODY, **changed})


def nested(depth: int) -> str:
    """A body whose payload is so many lists deep; the json module would give up on it."""
    return body(payload=0).replace('"payload": 0', f'"payload": {"[" * depth}{"]" * depth}')


@UNHURRIED
@given(sent=envelopes)
def test_what_is_sent_is_read_again(sent: Envelope) -> None:
    read = read_envelope(sent.text())
    same = [name for name in Envelope.__struct_fields__ if name != "payload"]
    assert [getattr(read, name) for name in same] == [getattr(sent, name) for name in same]
    assert (read.payload is None) == (sent.payload is None)
    if read.payload is not None and sent.payload is not None:
        assert json.loads(read.payload) == json.loads(sent.payload)


@UNHURRIED
@given(sent=envelopes)
def test_a_body_has_only_characters_that_sqs_takes(sent: Envelope) -> None:
    assert SQS_SAFE.fullmatch(sent.text())


def test_characters_that_sqs_refuses_arrive_all_the_same() -> None:
    sent = message(payload='{"text":"a\ufffeb\uffffc"}', metadata={"k": "\uffff"})
    assert SQS_SAFE.fullmatch(sent.text())
    read = read_envelope(sent.text())
    assert json.loads(read.payload or "") == {"text": "a\ufffeb\uffffc"}
    assert read.metadata == {"k": "\uffff"}


def test_empty_fields_are_left_out() -> None:
    assert set(json.loads(message().text())) == set(BODY)


def test_unknown_fields_are_kept_when_it_is_sent_again() -> None:
    read = read_envelope(body(urgency=7, hints={"a": [1]}))
    again = json.loads(replace(read, round=2).text())
    assert (again["urgency"], again["hints"], again["round"]) == (7, {"a": [1]}, 2)


def test_unknown_fields_cannot_hide_known_ones() -> None:
    sneaky = message(extra={"job_id": "other", "cqworker": 9})
    assert json.loads(sneaky.text()) == json.loads(message().text())


def test_the_message_of_a_record_and_the_record_of_a_message_are_each_others_mirror() -> None:
    sent = message(2, metadata={"a": "b"}, tags=("t",), payload_ref="s3://b/k", payload=None, tenant="acme")
    assert envelope_of(record_from(sent, PURGE, None)) == sent


def test_a_job_that_has_a_limit_key_travels_as_version_two_and_any_other_as_version_one() -> None:
    for key, version in ((None, 1), ("order-17", 2)):
        text = message(2, limit_key=key).text()
        assert json.loads(text)["cqworker"] == version
        assert read_envelope(text).limit_key == key


@pytest.mark.parametrize("version", [3, 4, 2**40])
def test_a_newer_version_is_told_apart_whatever_else_it_holds(version: int) -> None:
    for text in (body(cqworker=version), json.dumps({"cqworker": version}), body(cqworker=version, job_id=17)):
        with pytest.raises(NewerEnvelope, match=f"version {version} is newer"):
            read_envelope(text)


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, None, [], 2**70])
def test_a_version_that_is_no_positive_whole_number_is_none_of_ours(version: Any) -> None:
    with pytest.raises(NotAnEnvelope, match="version"):
        read_envelope(body(cqworker=version))


WRONG: dict[str, list[Any]] = {
    "job_id": [None, "", 7, "x" * 65, [], {}],
    "round": [None, 0, -1, 1.5, "1", True, 2**63, 10**400],
    "type": [None, "", 7, "x" * 257],
    "queue": [None, "", [], "x" * 257],
    "tenant": [None, "", 7, "x" * 257],
    "max_attempts": [None, 0, -3, True, 2**40],
    "created_at": [None, 0, "now", MAX_TIME_MS + 1, 1e300],
    "payload_ref": [7, [], {}],
    "metadata": [None, 7, [], "x", {"a": 1}, {"a": None}],
    "tags": [None, 7, {}, "x", [1], [None]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_field_of_a_wrong_kind_makes_it_none_of_ours(name: str, value: Any) -> None:
    with pytest.raises(NotAnEnvelope):
        read_envelope(body(**{name: value}))


@pytest.mark.parametrize("name", ["cqworker", "job_id", "type", "queue", "max_attempts", "created_at"])
def test_a_field_that_must_be_there_is_missed(name: str) -> None:
    with pytest.raises(NotAnEnvelope):
        read_envelope(json.dumps({key: value for key, value in BODY.items() if key != name}))


def test_what_may_be_left_out_has_a_meaning() -> None:
    read = read_envelope(json.dumps({key: value for key, value in BODY.items() if key not in ("tenant", "payload")}))
    assert (read.tenant, read.payload, read.payload_ref, read.metadata, read.tags) == ("default", None, None, {}, ())


@pytest.mark.parametrize("depth", [2, 200, 300, 1000, 2000, 100_000])
def test_any_depth_is_read_or_refused(depth: int) -> None:
    try:
        assert read_envelope(nested(depth)).payload == "[" * depth + "]" * depth
    except NotAnEnvelope:
        assert depth > 200


def test_a_body_too_large_for_a_record_is_refused() -> None:
    assert read_envelope(body(payload="x" * (MAX_BODY_BYTES - 300))).job_id == "job-1"
    with pytest.raises(NotAnEnvelope, match="larger"):
        read_envelope(body(payload="x" * MAX_BODY_BYTES))


HOSTILE = [
    body(tenant="?").replace("?", "\ud800"),
    "",
    " ",
    "null",
    "[]",
    '"x"',
    "1",
    "NaN",
    "{",
    "\x00",
    "\ud800",
    '{"cqworker":1}',
    '{"cqworker":"\\ud800"}',
]


@UNHURRIED
@given(text=st.text() | st.text(st.characters(categories=["Cs", "Ll"])) | json_values.map(json.dumps))
@example(text=body(payload=float("nan")))
@example(text=body().replace('"round": 1', f'"round": {"9" * 5000}'))
@example(text=body(job_id="\ud800"))
def test_any_text_is_an_envelope_or_is_refused_as_one(text: str) -> None:
    for candidate in (text, *HOSTILE):
        try:
            assert isinstance(read_envelope(candidate), Envelope)
        except (NotAnEnvelope, NewerEnvelope):
            continue


@UNHURRIED
@given(changes=st.dictionaries(st.sampled_from([*sorted(BODY), "metadata", "tags", "payload_ref"]), json_values))
@example(changes={"payload_ref": ""})
def test_any_change_of_a_body_is_an_envelope_or_is_refused_as_one(changes: dict[str, Any]) -> None:
    try:
        envelope = read_envelope(body(**changes))
    except (NotAnEnvelope, NewerEnvelope):
        return
    assert record_from(envelope, PURGE, None).day
    assert read_envelope(envelope.text()) == envelope


@UNHURRIED
@given(changed=st.dictionaries(st.sampled_from(sorted(BODY)), json_values, max_size=3))
def test_the_short_way_and_the_careful_way_read_one_thing(changed: dict[str, Any]) -> None:
    assert read_or_refused(body(**changed)) == read_or_refused(body(**changed), careful=True)


@pytest.mark.parametrize(
    "payload",
    ["1e400", "-0", "1.0", r'"\ud800"', '{"a":1,"a":2}', r'"\u0000"', "NaN", "5e-324", "1" * 30, "1" * 5000, '"é"'],
)
def test_a_payload_that_readers_of_json_quarrel_about_is_read_alike_both_ways(payload: str) -> None:
    text = body(payload=0).replace('"payload": 0', f'"payload": {payload}')
    assert read_or_refused(text) == read_or_refused(text, careful=True)


def read_or_refused(text: str, *, careful: bool = False) -> object:
    """What is read, or the words of the refusal; `careful` leaves the short way out."""
    with patch.object(envelope, "_PLAIN_BODY", Decoder(int)) if careful else nullcontext():
        try:
            return read_envelope(text)
        except ValueError as error:
            return type(error), str(error)


@pytest.mark.parametrize("number", ["12345678901234567890123", "-9223372036854775809", "18446744073709551616"])
@pytest.mark.parametrize("more", ["", ',"unknown":1'])
def test_whole_numbers_beyond_64_bits_keep_every_digit(number: str, more: str) -> None:
    text = (
        '{"cqworker":1,"job_id":"j","type":"t","queue":"q","round":1,"max_attempts":1,"created_at":1,'
        f'"payload":{{"n":[{number}]}}{more}}}'
    )
    assert read_envelope(text).payload == f'{{"n":[{number}]}}'
