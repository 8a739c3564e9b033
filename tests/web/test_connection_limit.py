"""Who makes room when places run out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cqworker.web.connection_limit import ConnectionLimit, Wait, reserve_of

RATE = 100.0


@dataclass(eq=False)
class LimitedConnection:
    """A connection that notes what becomes of it."""

    connection_limit: ConnectionLimit
    bytes: int = 0
    sent_away: Wait | None = None
    is_evicted: bool = False

    def progress(self) -> int:
        return self.bytes

    def ask_to_leave(self, wait: Wait) -> None:
        self.sent_away = wait

    def evict(self) -> None:
        self.is_evicted = True


class Door:
    """A connection limit, a clock one can turn, and connections that come one after another."""

    def __init__(self, places: int, reserve: int) -> None:
        self.time = 0.0
        self.connection_limit = ConnectionLimit(places, reserve, RATE, lambda: self.time)

    def enter(self, owner: str = "a", wait: Wait | None = Wait.HEAD, bytes: int = 0) -> LimitedConnection:  # noqa: A002
        """One more who is let in and waits for this, or (None) is being served."""
        assert self.connection_limit.admit()
        guest = LimitedConnection(self.connection_limit, bytes)
        self.connection_limit.add(guest, owner)
        if wait is None:
            self.connection_limit.mark_busy(guest)
        else:
            self.connection_limit.mark_waiting(guest, wait, owner)
        return guest


@pytest.mark.parametrize("wait", Wait)
def test_whoever_waits_longest_makes_room_for_one_more(wait: Wait) -> None:
    door = Door(3, 1)
    guests = [door.enter(wait=wait) for _ in range(3)]
    door.time = 5
    door.enter(wait=None)
    assert [guest.sent_away for guest in guests] == [wait, None, None]


def test_what_most_wait_for_makes_room_first() -> None:
    door = Door(5, 1)
    idle = [door.enter(f"peer {number}") for number in range(2)]
    bodies = [door.enter(f"tenant {number}", Wait.BODY) for number in range(3)]
    door.time = 5
    door.enter()
    assert bodies[0].sent_away
    assert not any(guest.sent_away for guest in (*idle, *bodies[1:]))


def test_whoever_holds_the_most_places_makes_room_for_the_others() -> None:
    door = Door(4, 1)
    first = door.enter("small", Wait.BODY)
    big = [door.enter("big", Wait.BODY) for _ in range(3)]
    door.time = 5
    door.enter("small")
    assert (first.sent_away, big[0].sent_away) == (None, Wait.BODY)


def test_the_slowest_makes_room_and_not_the_oldest() -> None:
    door = Door(3, 1)
    guests = [door.enter(wait=Wait.BODY, bytes=bytes_) for bytes_ in (50_000, 10, 4000)]
    door.time = 5
    door.enter()
    assert [bool(guest.sent_away) for guest in guests] == [False, True, False]


def test_one_who_has_just_come_is_heard_before_it_is_judged() -> None:
    door = Door(2, 2)
    door.enter(wait=None)
    door.enter(wait=None)
    probes = [door.enter(), door.enter()]
    assert not any(probe.sent_away for probe in probes)
    door.time = 5
    door.enter()
    assert probes[0].sent_away


def test_those_who_were_told_to_go_hold_no_place_but_a_descriptor() -> None:
    door = Door(2, 2)
    bodies = [door.enter(wait=Wait.BODY) for _ in range(2)]
    door.time = 5
    more = [door.enter(wait=Wait.BODY) for _ in range(2)]
    assert all(body.sent_away and not body.is_evicted for body in bodies)
    assert door.connection_limit.may_serve()
    door.time = 10
    door.enter()
    assert [guest.is_evicted for guest in (*bodies, *more)] == [True, False, False, False]
    assert len(door.connection_limit) == 4


def test_requests_leave_the_reserve_to_vital_calls() -> None:
    door = Door(2, 1)
    for _ in range(3):
        door.enter(wait=None)
    assert not door.connection_limit.may_serve()
    assert not door.connection_limit.admit()
    assert len(door.connection_limit) == 3


def test_a_request_takes_the_place_of_one_that_waits() -> None:
    door = Door(2, 1)
    body = door.enter(wait=Wait.BODY)
    door.enter(wait=None)
    door.enter(wait=None)
    door.time = 5
    assert door.connection_limit.may_serve()
    assert body.sent_away


def test_a_flood_of_newcomers_pushes_out_its_own_oldest_and_never_exceeds_the_places() -> None:
    door = Door(8, 4)
    flood = [door.enter("stranger") for _ in range(100)]
    assert len(door.connection_limit) == 12
    assert all(guest.is_evicted for guest in flood[:88])
    assert not any(guest.is_evicted for guest in flood[88:])


def test_who_left_is_forgotten_whatever_it_waited_for() -> None:
    door = Door(8, 4)
    for wait in (*Wait, None):
        guest = door.enter(wait=wait)
        door.connection_limit.mark_leaving(guest)
        door.connection_limit.remove(guest)
        door.connection_limit.mark_waiting(guest, Wait.HEAD, "a")
    assert (len(door.connection_limit), [door.connection_limit.count(wait) for wait in Wait]) == (0, [0, 0, 0, 0])


def test_an_eighth_of_the_places_is_kept() -> None:
    assert [reserve_of(most) for most in (8, 16, 512, 1000)] == [4, 4, 64, 125]
