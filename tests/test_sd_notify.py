"""Datagrams to systemd, and the watchdog it asks for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqworker.platform.sd_notify import notify, watchdog_interval


@pytest.fixture
def supervisor() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        yield listener


def test_lines_reach_the_supervisor_in_one_datagram(supervisor: socket.socket, tmp_path: Path) -> None:
    supervisor.bind(str(tmp_path / "notify"))
    assert notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "READY=1", "STATUS=serving jobs")
    assert supervisor.recv(4096) == b"READY=1\nSTATUS=serving jobs"


def test_an_abstract_socket_is_written_with_an_at_sign(supervisor: socket.socket) -> None:
    supervisor.bind(f"\0cqworker-test-{os.getpid()}")
    assert notify({"NOTIFY_SOCKET": f"@cqworker-test-{os.getpid()}"}, "WATCHDOG=1")
    assert supervisor.recv(4096) == b"WATCHDOG=1"


def test_a_line_break_in_a_status_cannot_add_an_assignment(supervisor: socket.socket, tmp_path: Path) -> None:
    supervisor.bind(str(tmp_path / "notify"))
    notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "STATUS=table missing\nMAINPID=1")
    assert supervisor.recv(4096) == b"STATUS=table missing MAINPID=1"


def test_without_a_supervisor_nobody_is_told() -> None:
    assert not notify({}, "READY=1")
    assert not notify({"NOTIFY_SOCKET": ""}, "READY=1")


def test_a_stale_address_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for address in (tmp_path / "gone", tmp_path / "plain", "x" * 200, "vsock:2:1234", "@nobody-listens", "a\0b"):
        assert not notify({"NOTIFY_SOCKET": str(address)}, "READY=1")


def test_a_supervisor_that_does_not_read_cannot_stop_the_daemon(supervisor: socket.socket, tmp_path: Path) -> None:
    supervisor.bind(str(tmp_path / "notify"))
    told = [notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "WATCHDOG=1")]
    while told[-1]:
        told.append(notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "WATCHDOG=1"))
    assert told[0]


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "41"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_a_period(environ: dict[str, str], interval: float | None) -> None:
    assert watchdog_interval(environ, pid=41) == interval


def test_the_watchdog_of_this_process_is_recognised() -> None:
    assert watchdog_interval({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}) == 1.0
