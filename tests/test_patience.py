"""Guards grow with what is measured of the machine, and the stopwatch stands still while nobody has a core."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

import pytest

from tests import stopwatch
from tests.patience import QUIET, Machine, Patience, until
from tests.stopwatch import Stopwatch


def test_a_quiet_machine_is_as_slow_as_itself() -> None:
    assert Machine(lambda: QUIET / 2, lambda: 1, cores=2).slowness() == 1


def test_a_machine_with_slow_cores_and_a_crowd_is_as_slow_as_both_together() -> None:
    machine = Machine(lambda: 3 * QUIET, lambda: 8, cores=2)
    assert 3 < machine.slowness() < 12, "one look at a crowd does not make one"
    assert [machine.slowness() for _ in range(30)][-1] == pytest.approx(12, rel=0.01)


def test_patience_is_spent_as_slowly_as_the_machine_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = count(0.0, 10.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    looks = count(1)
    waiting = Patience(45, lambda: 1 if next(looks) < 3 else 5)
    assert [waiting.is_over for _ in range(16)] == [False] * 14 + [True] * 2


def test_a_condition_that_never_holds_is_given_up() -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        until(lambda: False, 0.05)


def test_the_stopwatch_does_not_count_what_threads_waited_for_a_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def have_waited(**threads: float) -> None:
        for thread, seconds in threads.items():
            folder = tmp_path / thread.removeprefix("_")
            folder.mkdir(exist_ok=True)
            (folder / "schedstat").write_text(f"1 {seconds * 1e9:.0f} 1\n")

    monkeypatch.setattr(stopwatch, "_threads", lambda _: list(tmp_path.iterdir()))
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    have_waited(_1=50.0)
    watch = Stopwatch()
    have_waited(_1=52.0, _2=1.0)
    now = 110.0
    assert watch.seconds == pytest.approx(7)
    (tmp_path / "2" / "schedstat").unlink()
    now = 111.0
    assert watch.seconds == pytest.approx(8), "what a thread has waited counts when it is gone, too"


def test_the_stopwatch_of_a_process_that_is_gone_goes_on() -> None:
    watch = Stopwatch(2**22)
    time.sleep(0.01)
    assert 0 < watch.seconds < 5
