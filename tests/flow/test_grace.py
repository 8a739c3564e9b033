"""After an outage those whose leases could not be renewed come first; what the dead held is taken over all the same."""

from __future__ import annotations

import pytest

from cqworker.errors import Unavailable
from cqworker.events import ignore
from cqworker.health.service_health import STORE, ServiceHealth, queue_service

MINUTE = 60.0
AWAY = Unavailable("dynamodb", "It did not answer.", "")


class TurnedClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def health(clock: TurnedClock) -> ServiceHealth:
    health = ServiceHealth(clock, ignore, ())
    for service in (STORE, queue_service("jobs")):
        health.record_success(service)
    return health


def fail(health: ServiceHealth, clock: TurnedClock, seconds: float, service: str = STORE) -> None:
    """It fails whoever asks, every ten seconds, for so long."""
    end = clock.seconds + seconds
    while clock.seconds < end:
        clock.seconds += 10
        health.record_failure(service, "writing", AWAY)


def test_without_a_failure_a_lease_is_over_at_its_end(health: ServiceHealth) -> None:
    assert health.lease_grace("jobs") == 0


@pytest.mark.parametrize("service", [STORE, queue_service("jobs")])
def test_leases_that_ended_since_an_outage_began_are_respected_for_half_a_minute(
    health: ServiceHealth, clock: TurnedClock, service: str
) -> None:
    fail(health, clock, 60 * MINUTE, service)
    health.record_success(service)
    clock.seconds += 29
    assert 60 * MINUTE <= health.lease_grace("jobs") / 1000 <= 61 * MINUTE + 29
    clock.seconds += 1
    assert health.lease_grace("jobs") == 0


def test_another_queues_outage_is_no_reason(health: ServiceHealth, clock: TurnedClock) -> None:
    fail(health, clock, MINUTE, queue_service("others"))
    assert health.lease_grace("jobs") == 0


def test_who_was_never_answered_cannot_know_when_it_began_and_respects_every_lease(clock: TurnedClock) -> None:
    health = ServiceHealth(clock, ignore, ())
    fail(health, clock, MINUTE)
    assert health.lease_grace("jobs") / 1000 >= 14 * 86_400
    health.record_success(STORE)
    clock.seconds += 31
    health.record_failure(STORE, "writing", AWAY)
    assert health.lease_grace("jobs") / 1000 <= 41


def test_failures_with_answers_between_are_one_outage_of_two_minutes_at_most(
    health: ServiceHealth, clock: TurnedClock
) -> None:
    for _ in range(60):
        fail(health, clock, 10)
        health.record_success(STORE)
    assert 2 * MINUTE <= health.lease_grace("jobs") / 1000 <= 3 * MINUTE
