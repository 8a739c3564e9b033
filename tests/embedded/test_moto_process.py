"""The child process: where it listens, what it survives, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cqworker.embedded import EmbeddedAws, EmbeddedAwsError, running_aws, running_aws_sync
from tests.patience import Patience, scaled

PARENT = """
from cqworker.embedded import running_aws_sync
with running_aws_sync() as aws:
    print(urlsplit(aws.endpoint_url).port, flush=True)
    input()
"""


def _port(aws: EmbeddedAws) -> int:
    port = urlsplit(aws.endpoint_url).port
    assert port
    return port


def _listens(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=scaled(5)).close()
    except OSError:
        return False
    return True


def _gone(port: int) -> bool:
    """Wait until nothing listens on the port any more."""
    waiting = Patience(10)
    while (is_there := _listens(port)) and not waiting.is_over:
        time.sleep(0.01)
    return not is_there


def _script(folder: Path, text: str) -> str:
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
def test_it_listens_on_one_loopback_address_and_nowhere_else(aws: EmbeddedAws, host: str) -> None:
    assert _listens(_port(aws))
    assert not _listens(_port(aws), host)


def test_ctrl_c_does_not_reach_it(aws: EmbeddedAws) -> None:
    assert os.getsid(aws.pid) == aws.pid
    os.kill(aws.pid, signal.SIGINT)
    assert _listens(_port(aws))


async def test_it_runs_for_as_long_as_the_block() -> None:
    async with running_aws() as aws:
        assert _listens(_port(aws))
    assert not _listens(_port(aws))


async def test_a_start_that_is_given_up_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "pid"
    os.mkfifo(said)
    monkeypatch.setattr(sys, "executable", _script(tmp_path, f"echo $$ > {said}; exec sleep 60"))
    starting = asyncio.create_task(running_aws().__aenter__())
    pid = int(await asyncio.to_thread(said.read_text))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_ends_even_when_it_was_stopped() -> None:
    with running_aws_sync() as aws:
        os.kill(aws.pid, signal.SIGSTOP)
    assert not _listens(_port(aws))


def test_it_dies_with_a_parent_that_is_killed() -> None:
    script = f"from urllib.parse import urlsplit\n{PARENT}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout
        port = int(parent.stdout.readline())
        assert _listens(port)
        parent.kill()
    assert _gone(port)


def test_a_child_that_cannot_start_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", _script(tmp_path, "echo first >&2; echo out of memory >&2; exit 1"))
    with pytest.raises(EmbeddedAwsError, match="did not start: out of memory"), running_aws_sync():
        pass


def test_a_child_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", _script(tmp_path, "exec sleep 60"))
    with pytest.raises(EmbeddedAwsError, match=r"no answer within 0\.1 s"), running_aws_sync(start_timeout=0.1):
        pass


def test_without_moto_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("cqworker.embedded.moto_process.version", missing)
    with pytest.raises(EmbeddedAwsError, match=r"pip install 'cqworker\[embedded\]'"), running_aws_sync():
        pass


def test_another_moto_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqworker.embedded.moto_process.version", lambda _: "5.20.1")
    with pytest.raises(EmbeddedAwsError, match=r"moto 5\.20\.1 is installed"), running_aws_sync():
        pass
