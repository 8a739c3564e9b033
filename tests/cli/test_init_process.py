"""As the first process of a container cqworker reaps what programs leave behind, and is else as any other process."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from cqworker.cli import init_process
from tests.patience import scaled

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a subreaper stands for PID 1")
SUBREAPER = """
import asyncio, ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from cqworker.cli.init_process import become_init

def zombies_of(parent):
    states = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                states.append(fields[0])
    return sorted(states)

async def status():
    return await (await asyncio.create_subprocess_exec("sh", "-c", "sleep 0.3; exit 9")).wait()

assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
first = os.getpid()
become_init()
assert os.getppid() == first
"""
ORPHANS = """
for _ in range(5):
    subprocess.run(["sh", "-c", "(sleep 0.2; exit 3) &"], check=True)
statuses = [subprocess.run(["sh", "-c", f"sleep 0.{n}; exit {n}"]).returncode for n in range(1, 4)]
statuses.append(asyncio.run(status()))
end = time.monotonic() + 20
while len(zombies_of(first)) > 1 and time.monotonic() < end:
    time.sleep(0.05)
print(statuses, len(zombies_of(first)), flush=True)
sys.exit(5)
"""
HEEDFUL = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(6))
print("there", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    time.sleep(0.05)  # a signal just before a long sleep would wait for its end
"""
PLAIN = """
print("there", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    time.sleep(0.05)  # a signal just before a long sleep would wait for its end
"""


def test_five_orphans_are_reaped_and_no_status_is_taken_from_who_waits_for_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SUBREAPER + ORPHANS], capture_output=True, text=True, timeout=scaled(50), check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[1, 2, 3, 9] 1\n", "", 5)


@pytest.mark.parametrize(("work", "code"), [(HEEDFUL, 6), (PLAIN, 128 + signal.SIGTERM)])
def test_a_signal_is_handed_on_and_the_end_is_that_of_the_work(work: str, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SUBREAPER + work], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.terminate()
        assert process.wait(scaled(20)) == code


def test_any_other_process_does_its_work_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    stood_by: list[int] = []
    monkeypatch.setattr(init_process, "become_init", lambda: stood_by.append(1))
    init_process.become_init_if_first()
    assert stood_by == []
    monkeypatch.setattr("os.getpid", lambda: 1)
    init_process.become_init_if_first()
    assert stood_by == [1]
