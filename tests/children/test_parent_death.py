"""A child ends with the process it works for, whatever ends that."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.children.census import is_there, told
from tests.patience import scaled
from tests.stopwatch import Stopwatch

PARENT = """
import asyncio, sys
from cqworker.children.calls import call
from cqworker.children.child_pool import ChildPool
from tests.children.errands import tell_and_sleep
from cqworker.children.child_pool import open_child_pool

async def main():
    children = ChildPool(2)
    await call(children, abs, -1)
    await call(children, tell_and_sleep, sys.argv[1])

asyncio.run(main())
"""
CHILD = """
import os, sys, time
from cqworker.children import parent_death
if sys.argv[3] == "watch":
    parent_death._ask_kernel = lambda: False
parent_death.die_with_parent(int(sys.argv[2]), int(sys.argv[1]))
os.write(int(sys.argv[1]), b"!")
time.sleep(600)
"""


def test_the_child_of_a_killed_process_is_gone_within_two_seconds(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, tmp_path / "pid"]) as parent:
        child = told(tmp_path / "pid")
        assert is_there(child)
        watch = Stopwatch(child)
        parent.send_signal(signal.SIGKILL)
        while is_alive(child):
            assert watch.seconds < 2
            time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether it still runs: an orphan may wait for somebody to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return is_there(pid) if sys.platform != "linux" else False


def test_where_the_kernel_does_not_help_a_child_watches_its_line() -> None:
    ours, theirs = socket.socketpair()
    arguments = [str(theirs.fileno()), str(os.getpid()), "watch"]
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], pass_fds=(theirs.fileno(),)) as child:
        theirs.close()
        assert ours.recv(1) == b"!"
        time.sleep(0.1)
        assert child.poll() is None
        ours.close()
        assert child.wait(scaled(5)) == 1


@pytest.mark.parametrize("way", ["kernel", "watch"])
def test_a_child_whose_parent_died_before_it_asked_ends_at_once(way: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        arguments = [str(theirs.fileno()), "1", way]
        with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], pass_fds=(theirs.fileno(),)) as child:
            assert child.wait(scaled(20)) == 1
