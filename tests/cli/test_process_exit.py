"""The end of the process: threads that somebody left hanging do not keep it, those that end are waited for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import scaled

PROGRAM = """\
import atexit, sys, threading, time
atexit.register(lambda: (time.sleep(0.8), print("registered work was done")))
{start}
sys.argv = ["cqworker", {argument!r}]
from cqworker.cli import main
main()
"""


PLAIN = 'threading.Thread(target=time.sleep, args=({seconds},), name="sleeper").start()'
POOLED = """\
from concurrent.futures import ThreadPoolExecutor
def submit():
    ThreadPoolExecutor(1, "sleeper").submit(time.sleep, {seconds})
daemon = threading.Thread(target=submit, daemon=True)  # as the handlers' loop is one
daemon.start()
daemon.join()
"""


def left(start: str, seconds: float, argument: str = "--version") -> subprocess.CompletedProcess[str]:
    """A command beside a thread that sleeps, to its end."""
    program = PROGRAM.format(start=start.format(seconds=seconds), argument=argument)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=scaled(50), check=False)


@pytest.mark.parametrize("start", [PLAIN, POOLED], ids=["plain", "pooled"])
def test_a_thread_that_does_not_end_is_named_and_left_behind(start: str) -> None:
    done = left(start, 600)
    assert done.returncode == 0
    assert done.stdout.startswith("cqworker ")
    assert "sleeper" in done.stderr


def test_the_commands_own_code_is_kept_when_a_thread_is_left_behind() -> None:
    assert left(PLAIN, 600, "no-such-command").returncode == 64


@pytest.mark.parametrize("start", [PLAIN, POOLED], ids=["plain", "pooled"])
def test_a_thread_that_ends_soon_is_waited_for_and_so_is_what_was_registered_for_the_exit(start: str) -> None:
    done = left(start, 0.5)
    assert (done.returncode, done.stderr) == (0, "")
    assert "registered work was done" in done.stdout
