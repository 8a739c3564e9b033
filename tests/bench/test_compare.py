"""Two states of the code are compared by turns, and what is said of them is no accident of the machine."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.compare.__main__ import main
from bench.compare.ratio import BLOCK, Turn, ratio
from bench.compare.turns import Runner, take_turns
from bench.run.endpoint import ROOT
from bench.run.meter import usage

ROUNDS = 40


def turns(ms: float, *, unrest: float = 0.0, seed: int = 1) -> list[Turn]:
    """Turns of a side whose jobs cost so many milliseconds, give or take."""
    chance = random.Random(seed)
    return [Turn(ms / 1000 * 100 * chance.uniform(1 - unrest, 1 + unrest), 100) for _ in range(ROUNDS * BLOCK)]


def test_the_ratio_is_the_cost_after_by_the_cost_before() -> None:
    found = ratio(turns(0.2), turns(0.21))
    assert found.median == pytest.approx(1.05)
    assert [found.base_ms, found.head_ms] == pytest.approx([0.2, 0.21])
    assert found.spread == pytest.approx(0)


def test_a_machine_that_stands_still_for_a_few_turns_moves_nothing() -> None:
    slow = [Turn(turn.cpu * 10, turn.jobs) if number < 3 * BLOCK else turn for number, turn in enumerate(turns(0.2))]
    assert ratio(turns(0.2), slow).median == pytest.approx(1)


def test_the_more_a_side_wavers_the_wider_is_the_spread_and_the_truth_lies_within() -> None:
    calm, restless = (ratio(turns(0.2, unrest=unrest), turns(0.21, unrest=unrest, seed=2)) for unrest in (0.05, 0.5))
    assert 0 < calm.spread < restless.spread < 0.2
    assert abs(calm.median - 1.05) < 2 * calm.spread
    assert abs(restless.median - 1.05) < 2 * restless.spread


def test_a_job_is_dearer_where_limit_and_spread_together_do_not_explain_it() -> None:
    assert ratio(turns(0.2), turns(0.21)).exceeds(limit=2)
    assert not ratio(turns(0.2), turns(0.203)).exceeds(limit=2)
    assert not ratio(turns(0.2, unrest=0.9), turns(0.21, unrest=0.9, seed=2)).exceeds(limit=2)


def test_blocks_in_which_no_job_ended_say_nothing_and_nothing_at_all_is_told() -> None:
    idle = [Turn(0.1, 0)] * BLOCK
    assert ratio([*idle, *turns(0.2)], [*idle, *turns(0.2)]).median == pytest.approx(1)
    with pytest.raises(ValueError, match="take more rounds"):
        ratio(idle, idle)


@contextmanager
def spinning() -> Iterator[int]:
    """The pid of a process that does nothing but use a core."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_one_runs_at_a_time_and_both_go_on_afterwards() -> None:
    with spinning() as first, spinning() as second:
        seen: list[tuple[str, str]] = []

        def runner(pid: int) -> Runner:
            def jobs() -> int:
                seen.append((state(first), state(second)))
                return round(usage(pid).cpu * 1e6)

            return Runner(pid, jobs, lambda: True)

        taken = take_turns(runner(first), runner(second), 3, random.Random(1))
        assert set(seen) == {("T", "T")}
        assert all(turn.cpu > 0 and turn.jobs > 0 for side in taken for turn in side)
        assert [len(side) for side in taken] == [3, 3]
        assert "T" not in state(first) + state(second)


def test_the_turns_end_where_the_work_does() -> None:
    with spinning() as first, spinning() as second:
        left = iter([True, True, False])
        taken = take_turns(
            Runner(first, lambda: 0, lambda: True), Runner(second, lambda: 0, left.__next__), 9, random.Random(1)
        )
        assert [len(side) for side in taken] == [2, 2]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the code did not come out of git")
def test_a_base_that_is_no_commit_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.compare", "no-such-branch"])
    assert main() == 2
    assert "There is no commit 'no-such-branch'" in capsys.readouterr().err
