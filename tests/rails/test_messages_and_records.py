"""No field of a job is lost between its message, its record, the record's item and the message of a retry."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cqworker.aws.dynamodb.items import item_of, key_item, key_of, record_of
from cqworker.clock import SystemClock
from cqworker.events import ignore
from cqworker.flow.acknowledger import Acknowledger
from cqworker.model.envelope import Envelope, read_envelope
from cqworker.model.record import JobRecord, envelope_of, record_from, without_past
from cqworker.ports import KeyItem, Letter
from cqworker.testing import MemoryQueue
from tests.rails.jobs import MESSAGE, OF_THE_JOB, OF_THE_MESSAGE, PURGE, RECORD, TRACE
from tests.rails.samples import fields_of, full, lost


@pytest.mark.parametrize("sent", [replace(MESSAGE, extra={}), MESSAGE], ids=["ours", "a newer version's"])
def test_a_message_is_read_as_it_was_sent(sent: Envelope) -> None:
    assert lost(sent, read_envelope(sent.text()), [*fields_of(Envelope)]) == {}


def test_a_record_is_made_with_everything_that_its_message_says() -> None:
    assert set(OF_THE_JOB) <= fields_of(JobRecord).keys(), f"say in OF_THE_MESSAGE why not, as of {set(OF_THE_MESSAGE)}"
    assert lost(MESSAGE, record_from(MESSAGE, PURGE, TRACE), OF_THE_JOB) == {}


def test_the_message_of_a_retry_says_everything_that_the_first_one_said() -> None:
    again = envelope_of(record_from(MESSAGE, PURGE, TRACE), round_number=MESSAGE.round)
    assert lost(MESSAGE, again, OF_THE_JOB) == {}


def test_a_new_round_forgets_what_happened_and_nothing_of_what_the_job_is() -> None:
    assert lost(RECORD, without_past(RECORD), OF_THE_JOB) == {}


def test_an_item_keeps_every_field_of_its_record() -> None:
    assert lost(RECORD, record_of(item_of(RECORD)), [*fields_of(JobRecord)]) == {}


def test_an_item_keeps_every_field_of_an_idempotency_key() -> None:
    key = full(KeyItem)
    assert lost(key, key_of(key_item(key)), [*fields_of(KeyItem)]) == {}


async def test_a_fresh_copy_of_a_message_is_the_same_text() -> None:
    queue = MemoryQueue("main", SystemClock())
    await queue.send(Letter(body=MESSAGE.text()))
    [delivery] = await queue.receive(1, 0, 60)
    receipts = Acknowledger(queue, SystemClock(), ignore, max_receive_count=100)
    assert await receipts.copies.send(delivery, 0, MESSAGE.tenant)
    assert queue.bodies == [MESSAGE.text()] * 2
