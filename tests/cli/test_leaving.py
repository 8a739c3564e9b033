"""The end of the process: threads that somebody left hanging do not keep it, those that end are waited for."""

from __future__ import annotations

import subprocess
import sys
import time

PROGRAM = """\
import atexit, sys, threading, time
atexit.register(lambda: (time.sleep(1.5), print("registered work was done")))
threading.Thread(target=time.sleep, args=({seconds},), name="sleeper").start()
sys.argv = ["cqworker", {argument!r}]
from cqworker.cli import main
main()
"""


def left(seconds: float, argument: str = "--version") -> tuple[subprocess.CompletedProcess[str], float]:
    """A command beside a thread that sleeps: how it ended, and how long that took."""
    program = PROGRAM.format(seconds=seconds, argument=argument)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    return done, time.monotonic() - began


def test_a_thread_that_does_not_end_is_named_and_left_behind_with_the_commands_own_code() -> None:
    done, took = left(40)
    assert (done.returncode, took < 15) == (0, True)
    assert done.stdout.startswith("cqworker ")
    assert "sleeper" in done.stderr
    assert left(40, "no-such-command")[0].returncode == 64


def test_a_thread_that_ends_soon_is_waited_for_and_so_is_what_was_registered_for_the_exit() -> None:
    done, _ = left(0.5)
    assert (done.returncode, done.stderr) == (0, "")
    assert "registered work was done" in done.stdout
