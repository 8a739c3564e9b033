"""An observer may name what it does about a class of events, which spares it a question at every event."""

from __future__ import annotations

from cqworker import events as e
from cqworker.events import Emit
from cqworker.observe.fan_out import fan_out
from tests.observe.conftest import Written
from tests.observe.samples import sample_of


class Practised:
    """An observer that has an act for lost leases alone, and is never called itself."""

    def __init__(self) -> None:
        self.asked: list[type] = []
        self.seen: list[e.Event] = []

    def action_on(self, kind: type) -> Emit | None:
        self.asked.append(kind)
        return self.seen.append if kind is e.LeaseLost else None

    def __call__(self, event: e.Event) -> None:
        raise AssertionError("its acts were named")


def test_an_observer_that_names_its_acts_is_asked_once_a_class_and_told_through_them() -> None:
    practised = Practised()
    emit = fan_out(practised)
    events = [sample_of(e.JobStarted), sample_of(e.LeaseLost)] * 3
    for event in events:
        emit.emit(event)
    assert practised.seen == [event for event in events if isinstance(event, e.LeaseLost)]
    assert practised.asked == [e.JobStarted, e.LeaseLost]
    assert emit.failures == 0


class Clumsy:
    """An observer whose act raises."""

    def action_on(self, kind: type) -> Emit:
        return self._stumble

    def _stumble(self, event: e.Event) -> None:
        raise RuntimeError("the disk is on fire")

    def __call__(self, event: e.Event) -> None:
        raise AssertionError("its acts were named")


def test_an_act_that_raises_is_told_of_once_under_its_observers_name(written: Written) -> None:
    seen: list[e.Event] = []
    emit = fan_out(Clumsy(), seen.append)
    for kind in (e.JobStarted, e.LeaseLost):
        emit.emit(sample_of(kind))
    assert len(seen) == emit.failures == 2
    [line] = written.lines
    assert "Clumsy" in line["observer"]
