"""A stop at any moment of the start is a clean end: exit 0, at once, and READY is never said of what is leaving."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest

from tests.processes.conftest import WORKER
from tests.processes.daemon import Daemon, until
from tests.processes.plugin import install_module
from tests.processes.site import Site

pytestmark = pytest.mark.processes

MOMENTS = 14
"""Stops spread over a start, from the first line of ours to READY and a little beyond."""
AT_ONCE = 2.0
"""Seconds from a stop to the end where nothing is in hand; two starts beside it on two cores are in it."""

SLOW = """\
import pathlib, time
pathlib.Path(__file__).with_name("importing").touch()
try:
    time.sleep(30)
except BaseException:
    time.sleep(30)
"""


@pytest.fixture
def slow_plugin(tmp_path: Path) -> Path:
    """A folder with a plugin that takes half a minute to import, and lets nothing stop it."""
    source = tmp_path / "source" / "slow_handlers.py"
    source.parent.mkdir()
    source.write_text(SLOW)
    return install_module(tmp_path, source, {"slow.job": "run"})


@pytest.fixture
def duration(site: Site, tmp_path: Path) -> Iterator[float]:
    """Seconds of a start, from the first line of ours to READY."""
    worker = begin(site, tmp_path)
    began = time.monotonic()
    try:
        worker.supervisor.hears("READY=1")
        yield time.monotonic() - began
    finally:
        worker.close()


def begin(site: Site, folder: Path, *arguments: str) -> Daemon:
    """A worker as soon as it hears signals; before that the interpreter starts, and nothing of ours runs."""
    worker = Daemon(site.changed(queues=["halt"]).environment(), folder, arguments or WORKER)
    until(lambda: hears(worker.process.pid, signal.SIGTERM) or worker.process.poll() is not None)
    return worker


def hears(pid: int, number: int) -> bool:
    """Whether the process has a handler for this signal (proc(5), SigCgt)."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def stopped_after(site: Site, folder: Path, delay: float, number: signal.Signals) -> tuple[int, list[str], float, str]:
    """Exit code, what the supervisor was told, seconds from the signal to the end, and the log."""
    worker = begin(site, folder)
    try:
        time.sleep(delay)
        code, seconds = worker.stop(number)
        return code, worker.supervisor.told, seconds, worker.log
    finally:
        worker.close()


def test_a_stop_at_any_moment_of_the_start_ends_it_with_0(site: Site, duration: float, tmp_path: Path) -> None:
    delays = [1.1 * duration * moment / (MOMENTS - 1) for moment in range(MOMENTS)]
    numbers = cycle((signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
    with ThreadPoolExecutor(2) as trials:
        ends = list(trials.map(lambda trial: stopped_after(site, tmp_path, *trial), zip(delays, numbers, strict=False)))
    assert [code for code, *_ in ends] == [0] * MOMENTS
    assert [log for *_, log in ends if "Traceback" in log] == []
    unready = [(told, seconds) for _, told, seconds, _ in ends if "READY=1" not in told]
    assert len(unready) >= MOMENTS // 2
    assert [told for told, _ in unready if told] == []
    assert [seconds for _, seconds in unready if seconds > AT_ONCE] == []


def test_a_plugin_that_takes_long_to_import_puts_no_stop_off(site: Site, slow_plugin: Path, tmp_path: Path) -> None:
    worker = begin(site.changed(plugins=(*site.plugins, slow_plugin)), tmp_path)
    try:
        until((slow_plugin / "importing").exists)
        code, seconds = worker.stop()
        assert (code, seconds < AT_ONCE) == (0, True)
        assert worker.supervisor.told == []
    finally:
        worker.close()


def test_a_second_stop_during_the_start_changes_nothing(site: Site, tmp_path: Path) -> None:
    worker = begin(site, tmp_path)
    try:
        worker.signal(signal.SIGTERM)
        code, seconds = worker.stop()
        assert (code, seconds < AT_ONCE) == (0, True)
    finally:
        worker.close()


def test_dev_can_be_stopped_while_its_aws_starts(site: Site, tmp_path: Path) -> None:
    worker = begin(site, tmp_path, "dev", "--port", "0")
    try:
        until(lambda: children_of(worker.process.pid))
        [aws] = children_of(worker.process.pid)
        code, seconds = worker.stop()
        assert (code, seconds < AT_ONCE) == (0, True)
        until(lambda: not is_running(aws))
    finally:
        worker.close()


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
