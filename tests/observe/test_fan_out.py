"""Observers cannot hurt the flow, and floods are thinned out."""

from __future__ import annotations

from cqworker import events as e
from cqworker.observe.fan_out import fan_out
from cqworker.observe.throttle import MAX_CAUSES, Throttle
from tests.observe.conftest import Written
from tests.observe.samples import TurnedClock, sample_of


def test_every_observer_sees_every_event_in_order() -> None:
    first: list[e.Event] = []
    second: list[e.Event] = []
    emit = fan_out(first.append, second.append)
    events = [sample_of(e.JobStarted), sample_of(e.LeaseLost)]
    for event in events:
        emit(event)
    assert first == second == events


class Heedful:
    """An observer of lost leases alone, which is asked once about each class of events."""

    def __init__(self) -> None:
        self.asked: list[type] = []
        self.seen: list[e.Event] = []

    def heeds(self, kind: type) -> bool:
        self.asked.append(kind)
        return kind is e.LeaseLost

    def __call__(self, event: e.Event) -> None:
        self.seen.append(event)


def test_an_observer_is_spared_what_it_does_not_heed() -> None:
    heedful = Heedful()
    others: list[e.Event] = []
    emit = fan_out(heedful, others.append)
    events = [sample_of(e.JobStarted), sample_of(e.LeaseLost)] * 3
    for event in events:
        emit(event)
    assert others == events
    assert heedful.seen == [event for event in events if isinstance(event, e.LeaseLost)]
    assert heedful.asked == [e.JobStarted, e.LeaseLost]


def test_an_observer_that_raises_reaches_neither_the_flow_nor_the_others(written: Written) -> None:
    def broken(event: e.Event) -> None:
        raise RuntimeError("the disk is on fire")

    seen: list[e.Event] = []
    emit = fan_out(broken, seen.append)
    for _ in range(5):
        emit(sample_of(e.JobStarted))
    assert len(seen) == emit.failures == 5
    [line] = written.lines
    assert (line["level"], line["event"], line["seen"]) == ("error", "observer failed", "JobStarted")
    assert "on fire" in line["exception"]


def test_a_throttle_admits_one_a_cause_and_interval_and_says_how_many_it_kept_back() -> None:
    clock = TurnedClock()
    throttle = Throttle(1.0, clock.monotonic)
    assert [throttle.admit("a"), throttle.admit("a"), throttle.admit("b"), throttle.admit("a")] == [0, None, 0, None]
    clock.seconds += 1.0
    assert [throttle.admit("a"), throttle.admit("a")] == [2, None]


def test_a_throttle_forgets_the_oldest_of_too_many_causes() -> None:
    throttle = Throttle(1.0, TurnedClock().monotonic)
    for number in range(MAX_CAUSES + 1):
        assert throttle.admit(number) == 0
    assert throttle.admit(MAX_CAUSES) is None
    assert throttle.admit(0) == 0
