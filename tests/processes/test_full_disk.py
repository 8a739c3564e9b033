"""A log that nobody can write: its disk is full, or whoever should read it sleeps. The work goes on without it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.processes.daemon import PROGRAM, RUN, Daemon, until
from tests.processes.site import Site

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's"),
]


@pytest.fixture
def sleepy(tmp_path: Path) -> Iterator[Path]:
    """A pipe that is full already and has a reader who never reads."""
    path = tmp_path / "log"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(reader, b"x" * 4096)
    yield path
    os.close(reader)


def works_and_stops(place: Site, folder: Path, log: Path) -> float:
    """A daemon that logs there does its work and ends as it should; the lines that its metrics say it lost."""
    program = ("sh", "-c", f'exec "$@" >"{log}" 2>"{log}"', "sh", *PROGRAM)
    with closing(Daemon(place.environment(), folder, RUN, program)) as daemon:
        until(lambda: daemon.get("/readyz").status == 200)
        for _ in range(10):
            job = daemon.ended(daemon.submit("text.transform", {"text": "unseen"}))
            assert (job["status"], job["attempt"]) == ("SUCCEEDED", 1)
        assert daemon.get("/healthz").status == 200
        lost = daemon.metric("cqworker_log_lines_dropped_total")
        code, seconds = daemon.stop()
        assert code == 0
        assert seconds < 10
        return lost


@pytest.fixture
def place(site: Site) -> Site:
    return site.changed(queues=["full"])


def test_a_log_on_a_full_disk_costs_its_lines_and_nothing_else(place: Site, tmp_path: Path) -> None:
    assert works_and_stops(place, tmp_path, Path("/dev/full")) >= 20


def test_a_log_that_nobody_reads_holds_nothing_up(place: Site, tmp_path: Path, sleepy: Path) -> None:
    assert works_and_stops(place, tmp_path, sleepy) == 0, "so few lines are kept for when the reader wakes"
