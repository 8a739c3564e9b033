"""Unique keys as rules: what a key is made of, and what it is worth to who meets it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cqworker.enums import UniqueScope
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.model.unique import hash_of_fields, hash_of_payload, hash_of_text
from cqworker.model.unique_hold import Standing, UniqueHold, scope_and_key, unique_text

NOW = 1_767_225_600_000
HOLD = UniqueHold(key="k", job_id="job-1", rev=1, scope=UniqueScope.UNTIL_FINISHED, purge_at=NOW // 1000 + 1)
RECORD = JobRecord(
    job_id="job-1",
    type="acme.mail",
    queue="jobs",
    tenant="default",
    status=Status.QUEUED,
    max_attempts=3,
    created_at=NOW - 1,
    purge_at=NOW // 1000 + 1,
)
LIVE = [Status.SCHEDULED, Status.BLOCKED, Status.QUEUED, Status.RUNNING, Status.RETRYING]
ENDED = [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED]


@pytest.mark.parametrize("status", LIVE)
def test_until_finished_a_job_that_is_not_final_binds_its_key(status: Status) -> None:
    assert HOLD.standing(replace(RECORD, status=status, attempt=2), NOW) is Standing.BINDS


@pytest.mark.parametrize("scope", [UniqueScope.UNTIL_FINISHED, UniqueScope.UNTIL_STARTED])
@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_ended_binds_no_key(status: Status, scope: UniqueScope) -> None:
    assert replace(HOLD, scope=scope).standing(replace(RECORD, status=status), NOW) is Standing.FREE


def test_until_started_a_job_binds_its_key_before_its_first_attempt_alone() -> None:
    hold = replace(HOLD, scope=UniqueScope.UNTIL_STARTED)
    assert hold.standing(RECORD, NOW) is Standing.BINDS
    assert hold.standing(replace(RECORD, status=Status.RUNNING, attempt=1), NOW) is Standing.FREE
    assert hold.standing(replace(RECORD, status=Status.RETRYING, attempt=1), NOW) is Standing.FREE
    assert hold.standing(replace(RECORD, cancel_requested_at=NOW), NOW) is Standing.FREE


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SUCCEEDED])
def test_a_window_binds_until_its_end_whatever_becomes_of_its_job(status: Status) -> None:
    hold = replace(HOLD, scope=UniqueScope.WINDOW, expires_at=NOW + 1)
    assert hold.standing(replace(RECORD, status=status), NOW) is Standing.BINDS
    assert hold.standing(replace(RECORD, status=status), NOW + 1) is Standing.FREE
    assert hold.standing(None, NOW + 1) is Standing.FREE


def test_a_job_without_a_record_was_never_sent_or_is_about_to_be() -> None:
    assert HOLD.standing(None, NOW) is Standing.UNSENT


def test_a_job_whose_record_is_purged_binds_no_key() -> None:
    assert HOLD.standing(None, NOW + 1000) is Standing.FREE


@pytest.mark.parametrize("status", [Status.FAILED, Status.QUEUED])
def test_a_round_that_the_record_has_not_reached_is_not_judged_by_it(status: Status) -> None:
    assert replace(HOLD, round=2).standing(replace(RECORD, status=status), NOW) is Standing.UNSENT
    assert HOLD.standing(replace(RECORD, status=Status.QUEUED, round=2), NOW) is Standing.BINDS


def test_a_key_is_one_tenants_for_one_type_and_by_one_kind_of_choice() -> None:
    keys = {
        hash_of_fields("default", "acme.mail", {"to": "a"}),
        hash_of_fields("other", "acme.mail", {"to": "a"}),
        hash_of_fields("default", "acme.letter", {"to": "a"}),
        hash_of_fields("default", "acme.mail", {"to": "b"}),
        hash_of_payload("default", "acme.mail", {"to": "a"}),
        hash_of_payload("default", "acme.mail", {"fields": {"to": "a"}}),
        hash_of_text("default", "acme.mail", "to"),
        hash_of_text("default", "acme.mai", "lto"),
        hash_of_text('default","acme.mail', "", "to"),
    }
    assert len(keys) == 9


def test_the_order_of_fields_makes_no_other_key() -> None:
    assert hash_of_payload("t", "a", {"b": 1, "a": {"d": 2, "c": 3}}) == hash_of_payload(
        "t", "a", {"a": {"c": 3, "d": 2}, "b": 1}
    )


@pytest.mark.parametrize("scope", UniqueScope)
def test_what_a_record_says_of_its_key_is_read_back(scope: UniqueScope) -> None:
    assert scope_and_key(unique_text(scope, "ab")) == (scope, "ab")


def test_a_scope_of_a_newer_version_is_the_strictest() -> None:
    assert scope_and_key("until_noon#ab") == (UniqueScope.UNTIL_FINISHED, "ab")
