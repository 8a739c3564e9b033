"""The command runs another one with the engines around it and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

COMMAND = [sys.executable, "-m", "tests.engines"]


def listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


@pytest.mark.engines
def test_the_command_sees_the_engines_and_its_exit_code_is_passed_on() -> None:
    script = (
        "import os; print(os.environ['AWS_ENDPOINT_URL_S3'], os.environ['AWS_SECRET_ACCESS_KEY']); raise SystemExit(7)"
    )
    done = subprocess.run([*COMMAND, "--", sys.executable, "-c", script], capture_output=True, text=True, check=False)
    url, secret = done.stdout.split()
    assert done.returncode == 7
    assert f"export AWS_SECRET_ACCESS_KEY={secret}" in done.stderr
    assert not listens(url)


@pytest.mark.engines
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_without_a_command_the_engines_stay_until_a_signal(number: signal.Signals, code: int) -> None:
    in_background = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *COMMAND]
    with subprocess.Popen(in_background, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        exports = [process.stdout.readline() for _ in range(7)]
        urls = re.findall(r"http://\S+", "".join(exports))
        assert [listens(url) for url in urls] == [True, True, True]
        process.send_signal(number)
    assert process.returncode == code
    assert [listens(url) for url in urls] == [False, False, False]


@pytest.mark.engines
def test_sigterm_reaches_the_command_before_the_engines_stop() -> None:
    script = (
        "import os, signal, sys, urllib.request\n"
        "def leave(*_):\n"
        "    urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL_SQS'] + '/?Action=ListQueues')\n"
        "    sys.exit(5)\n"
        "signal.signal(signal.SIGTERM, leave); print(flush=True); signal.pause()"
    )
    command = [*COMMAND, "--", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 5


@pytest.mark.engines
def test_a_command_that_does_not_exist_is_said_so() -> None:
    done = subprocess.run([*COMMAND, "--", "no-such-command"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "engines: cannot run no-such-command: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
