"""Two processes alive at once, of which one runs at a time, in short turns of random order.

A noisy machine changes its speed by the second: what ran one after the other says more about the minute than about
the code. Turns of 150 ms see the same machine.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.compare.ratio import Turn
from bench.run.meter import usage

TURN_SECONDS = 0.15
"""Seconds."""
STOP_SECONDS = 5.0
"""Seconds for all threads of a process to obey SIGSTOP; longer is a fault."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that can be held and let go, and the jobs that it has ended so far.

    `feed` sees to it, while the process is held, that there is work for its next turn; False: there is none left.
    """

    pid: int
    jobs: Callable[[], int]
    feed: Callable[[], bool]


def take_turns(base: Runner, head: Runner, rounds: int, order: random.Random) -> tuple[list[Turn], list[Turn]]:
    """The turns of each side, in pairs; fewer than so many where the work ends before."""
    turns: dict[Runner, list[Turn]] = {base: [], head: []}
    with ExitStack() as stack:
        for runner in turns:
            stack.enter_context(_hold(runner.pid))
        for _ in range(rounds):
            if not (base.feed() and head.feed()):
                break
            for runner in order.sample(list(turns), k=len(turns)):
                turns[runner].append(_turn(runner))
    return turns[base], turns[head]


def _turn(runner: Runner) -> Turn:
    cpu, jobs = usage(runner.pid).cpu, runner.jobs()
    os.kill(runner.pid, signal.SIGCONT)
    try:
        time.sleep(TURN_SECONDS)
    finally:
        _stop(runner.pid)
    return Turn(usage(runner.pid).cpu - cpu, runner.jobs() - jobs)


@contextmanager
def _hold(pid: int) -> Iterator[None]:
    """The process stands still in the block, but for its turns."""
    _stop(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stop(pid: int) -> None:
    """Returns when every thread of the process stands still."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + STOP_SECONDS
    while not _stands_still(pid):
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {pid} does not stop")
        time.sleep(0.001)


def _stands_still(pid: int) -> bool:
    """Whether all its threads are stopped (proc(5), /proc/[pid]/stat: the word behind the name), or it has ended."""
    threads = Path(f"/proc/{pid}/task")
    return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZX" for thread in threads.iterdir())
