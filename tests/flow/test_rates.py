"""A token bucket for each name: what comes too often is told when it may come, and costs nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqworker.errors import MessageTooLarge, RateLimited
from cqworker.events import Event
from cqworker.events.limit_events import SubmissionsLimited
from cqworker.jobs.token_bucket import SWEEP_SIZE, Bucket, Rate, SubmissionRates, TokenBuckets

A: Bucket = ("token", "a")
OF_A = {A: Rate(2.0, 10)}


class TurnedClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> int:
        return round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


def test_a_burst_is_taken_at_once_and_the_rest_as_it_flows_in() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    assert [buckets.take(OF_A, 1) for _ in range(11)] == [True] * 10 + [False]
    bucket, seconds = buckets.wait(OF_A, 1)
    assert (bucket, round(seconds, 3)) == (A, 0.5)
    clock.seconds += 0.5
    assert [buckets.take(OF_A, 1) for _ in range(2)] == [True, False]
    clock.seconds += 3600
    assert [buckets.take(OF_A, 1) for _ in range(11)] == [True] * 10 + [False], "no more is saved up than the burst"


def test_after_the_wait_that_is_told_there_is_enough_and_a_moment_before_there_is_not() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    assert buckets.take(OF_A, 9)
    _, seconds = buckets.wait(OF_A, 7)
    clock.seconds += seconds - 0.01
    assert not buckets.take(OF_A, 7)
    clock.seconds += 0.01
    assert buckets.take(OF_A, 7)


def test_what_one_of_two_has_no_room_for_is_taken_from_neither() -> None:
    buckets = TokenBuckets(TurnedClock())
    narrow: Bucket = ("tenant", "acme")
    both = {A: Rate(1.0, 10), narrow: Rate(1.0, 3)}
    assert buckets.take(both, 3)
    assert not buckets.take(both, 1)
    assert buckets.wait(both, 1)[0] == narrow
    assert buckets.take({A: both[A]}, 7), "the refused one was not counted"


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 10)), max_size=60))
def test_never_more_than_the_burst_and_the_rate_allow_whatever_comes(asked: list[tuple[float, int]]) -> None:
    clock = TurnedClock()
    buckets, taken = TokenBuckets(clock), 0
    for pause, number in asked:
        clock.seconds += pause
        taken += number if buckets.take(OF_A, number) else 0
        assert taken <= 10 + 2.0 * (clock.seconds - 1000) + 0.001


def test_buckets_that_are_full_again_are_forgotten() -> None:
    clock = TurnedClock()
    buckets = TokenBuckets(clock)
    for number in range(20 * SWEEP_SIZE):
        clock.seconds += 0.01
        assert buckets.take({("token", str(number)): Rate(1.0, 10)}, 1)
        assert len(buckets) <= SWEEP_SIZE + 1


def test_who_is_refused_is_told_why_and_when_and_the_refusal_is_an_event() -> None:
    clock, events = TurnedClock(), list[Event]()
    rates = SubmissionRates({("token", "web"): Rate(0.5, 4), ("tenant", "acme"): Rate(100, 5)}, clock, events.append)
    rates.admit("web", "acme", 4)
    with pytest.raises(
        RateLimited, match=r'^The token "web" may submit 0.5 jobs a second, 4 at once.*in 4 s\.$'
    ) as told:
        rates.admit("web", "acme", 2)
    assert told.value.retry_after == 4
    rates.admit("other", "acme", 1)
    with pytest.raises(RateLimited, match=r'^The tenant "acme" may submit 100 jobs a second'):
        rates.admit("other", "acme", 1)
    rates.admit("other", "nobody", 1000)
    assert events == [
        SubmissionsLimited(limit="token", name="web", count=2),
        SubmissionsLimited(limit="tenant", name="acme", count=1),
    ]


def test_what_no_wait_would_make_room_for_is_refused_for_good() -> None:
    rates = SubmissionRates({("token", "web"): Rate(1, 4)}, TurnedClock(), lambda _: None)
    with pytest.raises(MessageTooLarge, match="may submit 4 jobs at once, and these are 5"):
        rates.admit("web", "acme", 4, of=5)
    rates.admit("web", "acme", 4)


def test_a_request_whose_first_part_was_counted_is_told_when_the_whole_of_it_can_come() -> None:
    clock = TurnedClock()
    rates = SubmissionRates({("token", "web"): Rate(1, 10)}, clock, lambda _: None)
    rates.admit("web", "acme", 8)
    rates.admit("web", "acme")
    with pytest.raises(RateLimited) as told:
        rates.admit("web", "acme", 4, of=5)
    clock.seconds += told.value.retry_after
    rates.admit("web", "acme")
    rates.admit("web", "acme", 4, of=5)
