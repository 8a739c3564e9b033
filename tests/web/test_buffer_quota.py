"""Who loses what it holds when the room for all is used up."""

from __future__ import annotations

import pytest

from cqworker.web.buffer_quota import BufferClaim, BufferFull, BufferQuota


class Room:
    """An allowance of 100 bytes and 3 places, and a clock one can turn."""

    def __init__(self) -> None:
        self.time = 0.0
        self.gone: list[BufferClaim] = []
        self.quota = BufferQuota(100, 3, least_rate=1.0, now=lambda: self.time)

    def claim(self, owner: str, size: int = 0, *, has_place: bool = False) -> BufferClaim:
        claim = self.quota.claim(owner, lambda: self.gone.append(claim), lambda: claim.size)
        if has_place:
            self.quota.take_place(claim)
        self.quota.grow(claim, size)
        return claim


def test_the_owner_with_the_most_makes_room_for_another() -> None:
    room = Room()
    small = room.claim("small", 20)
    room.claim("big", 40)
    second = room.claim("big", 39)
    room.quota.grow(small, 10)
    assert room.gone == [second]
    assert room.quota.held == 70


def test_of_one_owners_the_slowest_makes_room() -> None:
    room = Room()
    slow = room.claim("one", 30)
    room.time = 10
    quick = room.claim("one", 60)
    room.quota.grow(quick, 20)
    assert room.gone == [slow]


def test_who_asks_for_more_than_it_may_have_is_refused_itself() -> None:
    room = Room()
    room.claim("one", 60)
    with pytest.raises(BufferFull):
        room.claim("two", 101)
    newest = room.claim("one", 5)
    with pytest.raises(BufferFull):
        room.quota.grow(newest, 40)
    assert room.gone == []
    assert room.quota.held == 60


def test_what_does_not_wait_for_its_client_is_never_sent_away() -> None:
    room = Room()
    at_work = room.claim("big", 90)
    at_work.is_waiting = False
    with pytest.raises(BufferFull):
        room.claim("small", 11)
    assert room.gone == []


def test_who_was_sent_away_can_hold_nothing_more() -> None:
    room = Room()
    first = room.claim("big", 60)
    room.time = 100
    room.claim("small", 50)
    assert room.gone == [first]
    with pytest.raises(BufferFull):
        room.quota.grow(first, 1)
    room.quota.drop(first)
    assert room.quota.held == 50


def test_places_are_shared_as_bytes_are() -> None:
    room = Room()
    first, *_ = [room.claim("big", has_place=True) for _ in range(3)]
    room.time = 1
    other = room.claim("small", has_place=True)
    assert room.gone == [first]
    for claim in (*room.gone, other):
        room.quota.drop(claim)
    assert room.claim("big", has_place=True).has_place
