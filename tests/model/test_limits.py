"""What may be limited, how rates are written, and which limits bind which job."""

from __future__ import annotations

import pytest

from cqworker.model.limits import (
    Limit,
    LimitOrder,
    LimitTable,
    OnFull,
    Rate,
    hashed_key,
    keys_of_job,
    pattern_fault,
    rate_from,
)

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "interval_us"),
    [
        ("100/s", 10_000),
        ("10000/s", 100),
        ("600000/m", 100),
        ("30/m", 2_000_000),
        ("1/d", 86_400_000_000),
        ("7/s", 142_858),
    ],
)
def test_a_rate_is_starts_in_a_time_and_its_pause_is_never_too_short(text: str, interval_us: int) -> None:
    rate = rate_from(text)
    assert (str(rate), rate.interval_us) == (text, interval_us)


@pytest.mark.parametrize(
    "text", ["", "100", "100/sec", "0/s", "-1/s", "1.5/s", "100 / s", "1/w", "100/S", "1" * 30 + "/s"]
)
def test_what_is_no_rate_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write starts and a time"):
        rate_from(text)


@pytest.mark.parametrize("text", ["10001/s", "999999999/s", "600001/m"])
def test_a_rate_is_ten_thousand_a_second_at_most(text: str) -> None:
    with pytest.raises(ValueError, match=r"one a day to 10,000 a second"):
        rate_from(text)


@pytest.mark.parametrize(
    ("limit", "burst"),
    [
        (Limit(rate=Rate(100, "s")), 100),
        (Limit(rate=Rate(30, "m")), 1),
        (Limit(rate=Rate(100, "s"), burst=5), 5),
        (Limit(concurrency=3), 1),
    ],
)
def test_a_burst_that_is_not_written_is_what_the_rate_gives_in_a_second(limit: Limit, burst: int) -> None:
    assert limit.starts_at_once == burst


def test_a_job_is_bound_by_its_type_queue_tenant_and_key_in_one_order() -> None:
    keys = keys_of_job("mail", "jobs", "acme", "inbox-7")
    assert keys == (hashed_key("acme", "inbox-7"), "queue:jobs", "tenant:acme", "type:mail")
    assert list(keys) == sorted(keys)
    assert keys_of_job("mail", "jobs", "acme", None) == ("queue:jobs", "tenant:acme", "type:mail")


def test_no_tenant_names_another_tenants_key() -> None:
    assert hashed_key("a", "b:c") != hashed_key("a:b", "c")
    assert hashed_key("acme", "x").startswith("key:acme:")


@pytest.mark.parametrize("pattern", ["type:mail", "queue:jobs", "tenant:acme", "tenant:*", "key:*", "type:a:b"])
def test_these_names_may_stand_in_a_file(pattern: str) -> None:
    assert pattern_fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("mail", "name what is limited as"),
        ("typ:mail", "name what is limited as"),
        ("type:", "name what is limited as"),
        ("type:*", "means nothing; name what is limited as"),
        ("queue:*", "means nothing; name what is limited as"),
        ("key:inbox", "cqworker limits set"),
    ],
)
def test_other_names_are_answered_with_those_that_there_are(pattern: str, why: str) -> None:
    assert why in (pattern_fault(pattern) or "")


def test_a_name_of_its_own_goes_before_the_pattern_for_each() -> None:
    table = LimitTable({"tenant:*": Limit(concurrency=4), "tenant:big": Limit(concurrency=40)})
    assert table.limit_of("tenant:big", NOW) == Limit(concurrency=40)
    assert table.limit_of("tenant:small", NOW) == Limit(concurrency=4)
    assert table.limit_of("type:mail", NOW) is None


def test_what_an_operator_said_goes_before_the_file_part_by_part_until_it_ends() -> None:
    written = {"type:mail": Limit(concurrency=4, rate=Rate(10, "s"), burst=3, on_full=OnFull.DROP)}
    table = LimitTable(written, {"type:mail": LimitOrder(rate=Rate(1, "s"), until=NOW + 1)})
    assert table.limit_of("type:mail", NOW) == Limit(concurrency=4, rate=Rate(1, "s"), on_full=OnFull.DROP)
    assert table.limit_of("type:mail", NOW + 1) == written["type:mail"]


def test_a_pause_drops_nothing() -> None:
    written = {"type:mail": Limit(rate=Rate(10, "s"), on_full=OnFull.DROP)}
    table = LimitTable(written, {"type:mail": LimitOrder(concurrency=0, until=NOW + 1)})
    assert table.limit_of("type:mail", NOW) == Limit(concurrency=0, rate=Rate(10, "s"))


def test_a_limit_in_a_file_ends_at_its_time() -> None:
    table = LimitTable({"type:mail": Limit(concurrency=0, until=NOW + 1)})
    assert table.limit_of("type:mail", NOW) is not None
    assert table.limit_of("type:mail", NOW + 1) is None


def test_only_limited_keys_are_asked_for() -> None:
    table = LimitTable({"tenant:*": Limit(concurrency=4)}, {"type:mail": LimitOrder(concurrency=1)})
    keys = keys_of_job("mail", "jobs", "acme", None)
    assert table.limits_of(keys, NOW) == (
        ("tenant:acme", Limit(concurrency=4)),
        ("type:mail", Limit(concurrency=1)),
    )
    assert table
    assert not LimitTable({})
