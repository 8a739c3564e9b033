"""A stop in which nothing wants to end is over in time all the same, with exit code 0."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes.conftest import Start
from tests.processes.daemon import RUN, Daemon, until
from tests.processes.plugin import install_module
from tests.processes.site import Site

DRAIN = 1
REST = 2.0


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """Is there once the handler has begun: the record says RUNNING a little before."""
    return tmp_path / "begun"


@pytest.fixture
def place(site: Site, tmp_path: Path, begun: Path) -> Site:
    """A site with the hung plugin, and a short drain."""
    install_module(tmp_path, Path(__file__).with_name("hung_handlers.py"), {"hung.deaf": "deaf"})
    hung = {"HUNG_SIGN": str(begun), "CQWORKER_WORKER__DRAIN_TIMEOUT": str(DRAIN)}
    return site.changed(queues=["hung"], plugins=(*site.plugins, tmp_path), extra=hung)


@contextmanager
def half_an_upload(daemon: Daemon) -> Iterator[None]:
    """A client that has sent the head and half of the body, and then thinks."""
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port)) as client:
        head = f"POST /jobs HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        yield


def test_a_stop_ends_in_time_although_lifespan_handler_threads_and_a_request_all_hang(
    place: Site, begun: Path, start: Start
) -> None:
    daemon = start(place, *RUN)
    daemon.submit("hung.deaf", {})
    until(begun.exists)
    with half_an_upload(daemon):
        code, seconds = daemon.stop()
        assert code == 0, daemon.log
        assert seconds < DRAIN + REST
    assert "daemon stopped" in daemon.log
    assert "left behind threads that would not end" in daemon.log
    assert "exporter" in daemon.log
    assert "Traceback" not in daemon.log


def test_a_second_signal_ends_it_within_two_seconds(place: Site, begun: Path, start: Start) -> None:
    patient = place.changed(extra={"CQWORKER_WORKER__DRAIN_TIMEOUT": "25"})
    daemon = start(patient, *RUN)
    daemon.submit("hung.deaf", {})
    until(begun.exists)
    with half_an_upload(daemon):
        daemon.signal(signal.SIGTERM)
        daemon.supervisor.hears("STOPPING=1")
        code, seconds = daemon.stop()
        assert code == 0, daemon.log
        assert seconds < REST
