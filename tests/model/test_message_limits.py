"""What comes over SQS is held to what comes over HTTP, field by field, whoever wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.json import Decoder
from pydantic import ValidationError

from cqworker.jobs.submission_models import SubmitAsk
from cqworker.model import envelope
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.envelope_fields import NotAnEnvelope
from cqworker.model.job_limits import MAX_ATTEMPTS, MAX_METADATA, MAX_METADATA_BYTES, MAX_TAG, MAX_TAGS, MAX_TYPE
from cqworker.model.limits import MAX_LIMIT_KEY
from tests.model.samples import NOW, UNHURRIED

COMPLETE: dict[str, Any] = {
    "cqworker": 1,
    "job_id": "job-1",
    "round": 1,
    "type": "text.transform",
    "queue": "jobs",
    "tenant": "default",
    "payload": {"text": "hello"},
    "max_attempts": 3,
    "created_at": NOW,
}
MINIMAL: dict[str, Any] = {"cqworker": 1, "job_id": "job-1", "type": "text.transform", "payload": {"text": "hello"}}
SENT = NOW + 5_000
LATE = SENT + 3_600_000
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def lengths(*limits: int) -> st.SearchStrategy[str]:
    """Texts as long as a limit, and one character to both sides."""
    return st.sampled_from([count for limit in limits for count in (limit - 1, limit, limit + 1)]).map("x".__mul__)


ASKED: dict[str, st.SearchStrategy[Any]] = {
    "type": lengths(1, MAX_TYPE),
    "max_attempts": st.integers(-1, MAX_ATTEMPTS + 2)
    | st.sampled_from([1_000_000, 2**63, True, 1.5, 3.0, 1e1, 301.0, "3"]),
    "limit_key": lengths(1, MAX_LIMIT_KEY) | st.sampled_from([None, 1, "\u00e9", " "]),
    "tags": st.lists(lengths(1, MAX_TAG), max_size=3) | st.integers(0, MAX_TAGS + 2).map(["t"].__mul__),
    "metadata": st.dictionaries(words, words, max_size=MAX_METADATA + 2)
    | st.integers(MAX_METADATA_BYTES - 3, MAX_METADATA_BYTES + 2).map(lambda size: {"k": "v" * size})
    | st.integers(0, MAX_METADATA + 3).map(lambda count: {str(number): "" for number in range(count)}),
}
UNLIMITED = {
    "payload": "any JSON; the type's model reads it when the job runs",
    "priority": "a request may name it by a number, whose level its queue has; a message names the level",
    "unique": "a request says what of, a message the hash: how that is read has a test of its own below",
    "queue": "a name as in the settings, below: a request may name those of the daemon alone",
}
"""What both may say, and is not held to the same limits here, and why."""


def read(body: Mapping[str, Any], *, careful: bool = False, **unsaid: Any) -> Envelope:
    """The envelope; `careful` leaves the short way out."""
    if not careful:
        return read_envelope(json.dumps(body), **unsaid)
    with patch.object(envelope, "_PLAIN_BODY", Decoder(int)):
        return read_envelope(json.dumps(body), **unsaid)


def test_every_field_that_a_request_and_a_message_share_is_tried_at_its_limits() -> None:
    shared = {name for name in SubmitAsk.model_fields if name in Envelope.__struct_fields__}
    assert shared == {*ASKED, *UNLIMITED}, "ASKED or UNLIMITED in tests/model/test_message_limits.py"


@pytest.mark.parametrize("careful", [False, True])
@UNHURRIED
@given(asked=st.fixed_dictionaries({}, optional=ASKED))
@example(asked={"metadata": {"\u00e9": "\u00e9" * 511}})
@example(asked={"metadata": {"\u00e9": "\u00e9" * 512}})
@example(asked={"tags": [""]})
def test_a_message_may_say_what_a_request_may_say_and_nothing_more(asked: dict[str, Any], *, careful: bool) -> None:
    try:
        SubmitAsk.model_validate({"type": "t", "payload": {}} | asked)
    except ValidationError:
        with pytest.raises(NotAnEnvelope):
            read({**COMPLETE, **asked}, careful=careful)
    else:
        said = read({**COMPLETE, **asked}, careful=careful)
        assert {name: getattr(said, name) for name in asked} == asked | (
            {"tags": tuple(asked["tags"])} if "tags" in asked else {}
        )


QUEUES = [("jobs", True), ("A-z_9", True), ("q" * 80, True), ("q" * 81, False), ("", False), ("jobs.fifo", False)]
QUEUES += [("a b", False), ("a/b", False), ("jobs\n", False), ("\u00e4", False), ("https://sqs.x/1/jobs", False)]


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(("queue", "is_fine"), QUEUES)
def test_a_queue_is_named_as_the_settings_name_it(queue: str, *, is_fine: bool, careful: bool) -> None:
    if is_fine:
        assert read({**COMPLETE, "queue": queue}, careful=careful).queue == queue
    else:
        with pytest.raises(NotAnEnvelope, match="queue"):
            read({**COMPLETE, "queue": queue}, careful=careful)


@pytest.mark.parametrize("name", ["max_attempts", "tags", "metadata", "type", "queue", "tenant", "job_id"])
def test_the_refusal_names_the_field_and_tells_nothing_of_its_value(name: str) -> None:
    secret = "s3cr3t" * 200
    value: Any = {"tags": [secret], "metadata": {"k": secret}, "max_attempts": 10**6}.get(name, secret)
    with pytest.raises(NotAnEnvelope, match=name) as caught:
        read({**COMPLETE, name: value})
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("careful", [False, True])
def test_a_minimal_message_means_what_its_queue_and_its_type_say(*, careful: bool) -> None:
    said = read(MINIMAL, careful=careful, queue="jobs", sent_at=SENT, attempts_of={"text.transform": 7}.__getitem__)
    assert (said.queue, said.created_at, said.max_attempts) == ("jobs", SENT, 7)
    assert (said.round, said.tenant, said.metadata, said.tags) == (1, "default", {}, ())
    assert said.payload == '{"text":"hello"}'


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("name", ["queue", "created_at", "max_attempts", "round", "tenant"])
def test_any_field_with_a_meaning_of_its_own_may_be_left_out(name: str, *, careful: bool) -> None:
    unsaid = {"queue": "other", "sent_at": SENT, "attempts_of": lambda _: 9}
    meant = {"queue": "other", "created_at": SENT, "max_attempts": 9, "round": 1, "tenant": "default"}
    said = read({key: value for key, value in COMPLETE.items() if key != name}, careful=careful, **unsaid)
    assert {key: getattr(said, key) for key in meant} == {
        key: meant[key] if key == name else COMPLETE[key] for key in meant
    }


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(("said", "meant"), [(NOW, NOW), (LATE, LATE), (LATE + 1, SENT), (2 * NOW, SENT)])
def test_no_job_was_made_long_after_its_message_was_sent(said: int, meant: int, *, careful: bool) -> None:
    """Else one made in the year 9999 would wait for its handler for ever, and be refunded for ever."""
    assert read({**COMPLETE, "created_at": said}, careful=careful, sent_at=SENT).created_at == meant


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(
    "unique", ["", "until_finished#", "#" + "0" * 64, "until_finished#" + "g" * 64, 7, ["a"], "0" * 300]
)
def test_a_unique_key_that_is_none_of_ours_makes_no_message_of_ours(unique: object, careful: bool) -> None:
    with pytest.raises(NotAnEnvelope, match="unique is no scope with the hash of a key"):
        read({**COMPLETE, "unique": unique}, careful=careful)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("unique", [None, "until_finished#" + "0" * 64, "until_noon#" + "f" * 64])
def test_a_unique_key_is_read_as_it_is(unique: str | None, careful: bool) -> None:
    assert read({**COMPLETE, "unique": unique}, careful=careful).unique == unique
