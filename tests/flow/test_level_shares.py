"""Whose turn it is among levels, number by number."""

from __future__ import annotations

from cqworker.flow.level_shares import LevelShares


def starts(shares: LevelShares, waiting: tuple[int, ...], count: int) -> list[int]:
    for level in waiting:
        shares.begin_waiting(level)
    order: list[int] = []
    for _ in range(count):
        following = shares.next_level()
        assert following is not None
        shares.count_start(following)
        order.append(following)
    for level in waiting:
        shares.end_waiting(level)
    return order


def test_nobody_comes_next_where_nobody_waits() -> None:
    assert LevelShares([6, 3, 1], None).next_level() is None


def test_weights_are_held_exactly_over_each_round() -> None:
    order = starts(LevelShares([6, 3, 1], None), (0, 1, 2), 1000)
    assert [order.count(level) for level in range(3)] == [600, 300, 100]


def test_of_two_that_got_the_same_the_more_urgent_comes_first() -> None:
    assert starts(LevelShares([1, 1], None), (0, 1), 4) == [0, 1, 0, 1]


def test_what_a_receive_may_bring_counts_as_started() -> None:
    shares = LevelShares([1, 1], None)
    shares.begin_waiting(0)
    shares.begin_waiting(1)
    shares.promise(0, 3)
    assert shares.next_level() == 1
    shares.withdraw(0, 3)
    assert shares.next_level() == 0


def test_an_idle_level_begins_where_the_others_stand() -> None:
    shares = LevelShares([1, 1], None)
    shares.note_receive(0, is_backlogged=True)
    assert starts(shares, (0,), 100) == [0] * 100
    shares.note_receive(1, is_backlogged=True)
    shares.note_receive(0, is_backlogged=True)
    order = starts(shares, (0, 1), 20)
    assert order.count(1) == 10 or order.count(1) == 11


def test_a_backlog_between_two_receives_keeps_what_is_due_to_it() -> None:
    shares = LevelShares([1, 1], None)
    for level in (0, 1):
        shares.note_receive(level, is_backlogged=True)
    starts(shares, (1,), 5)
    assert starts(shares, (0, 1), 5) == [0] * 5


def test_strict_starts_the_most_urgent_but_every_twentieth_time() -> None:
    order = starts(LevelShares([6, 3, 1], 0.05), (0, 1, 2), 80)
    assert [place for place, level in enumerate(order, 1) if level] == [20, 40, 60, 80]
    assert sorted(level for level in order if level) == [1, 1, 2, 2]


def test_a_receive_of_the_most_urgent_asks_for_no_more_than_is_left_before_the_floor() -> None:
    shares = LevelShares([6, 3, 1], 0.2)
    for level in (0, 1):
        shares.begin_waiting(level)
    assert shares.most_at_once(0) == 4
    shares.promise(0, 4)
    assert (shares.next_level(), shares.most_at_once(1)) == (1, 1)
    shares.promise(1, 1)
    assert shares.next_level() == 0
