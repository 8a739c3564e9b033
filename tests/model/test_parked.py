"""What the record of a parked job lets a message do."""

from __future__ import annotations

from msgspec.structs import replace

from cqworker.model.attempt_writes import Claim
from cqworker.model.envelope import Envelope
from cqworker.model.limits import Woken
from cqworker.model.record import JobRecord, envelope_of, record_from

MESSAGE = Envelope(job_id="j", type="t", queue="jobs", max_attempts=3, created_at=1)
PARKED = replace(record_from(MESSAGE, 9, None), parked="type:t", token="w:1")


def claim(envelope: Envelope) -> Claim:
    return Claim(envelope=envelope, token="w:2", worker="w", now=5, lease_expires_at=60_000, purge_at=9)


def test_a_parked_job_is_started_by_the_copy_alone_that_ends_its_park() -> None:
    assert PARKED.is_parked
    assert envelope_of(PARKED).woken == Woken("type:t", "w:1")
    assert claim(envelope_of(PARKED)).permits(PARKED)
    assert not claim(MESSAGE).permits(PARKED)


def test_a_record_whose_park_nobody_can_end_for_it_has_no_token_is_not_parked() -> None:
    mended_by_hand: JobRecord = replace(PARKED, token=None)
    assert not mended_by_hand.is_parked
    assert envelope_of(mended_by_hand) == MESSAGE
    assert claim(MESSAGE).permits(mended_by_hand)
