"""An engine is started once it answers, stopped by pid, and explained when it does not come up."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.engines import processes
from tests.engines.artefacts import EngineError
from tests.engines.processes import Recipe, running, stop
from tests.patience import Patience, scaled

SERVER = "import http.server, sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), {}).serve_forever()"
HANDLER = "http.server.SimpleHTTPRequestHandler"


def server(port: int) -> list[str]:
    return [sys.executable, "-c", SERVER.format(HANDLER), str(port)]


def status(url: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=scaled(5))
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_engine_answers_inside_the_block_and_is_gone_after_it(tmp_path: Path) -> None:
    with running(Recipe("files", server), tmp_path) as url:
        assert status(url) == 200
    with pytest.raises(ConnectionRefusedError):
        status(url)


def test_an_engine_that_dies_at_once_is_tried_again_on_another_port(tmp_path: Path) -> None:
    ports: list[int] = []

    def second_time_lucky(port: int) -> list[str]:
        ports.append(port)
        return server(port) if len(ports) > 1 else [sys.executable, "-c", "raise SystemExit('port taken')"]

    with running(Recipe("files", second_time_lucky), tmp_path) as url:
        assert url.endswith(f":{ports[1]}")


def test_an_engine_that_never_comes_up_is_reported_with_its_log(tmp_path: Path) -> None:
    broken = Recipe("broken", lambda _port: [sys.executable, "-c", "raise SystemExit('no such option')"])
    with pytest.raises(EngineError, match=r"broken did not come up:\nno such option"), running(broken, tmp_path):
        pass


def test_a_missing_program_is_named_with_what_to_install(tmp_path: Path) -> None:
    absent = Recipe("absent", lambda _port: ["no-such-program-anywhere"])
    with (
        pytest.raises(EngineError, match="no-such-program-anywhere is not on PATH: the engines need a JDK"),
        running(absent, tmp_path),
    ):
        pass


def test_an_error_of_the_user_of_an_engine_still_stops_it(tmp_path: Path) -> None:
    def use() -> None:
        with running(Recipe("files", server), tmp_path) as url:
            raise LookupError(url)

    with pytest.raises(LookupError) as error:
        use()
    with pytest.raises(ConnectionRefusedError):
        status(str(error.value))


def test_a_process_that_ignores_the_request_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_WITHIN", 0.1)
    stubborn = "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        stop(process)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ties children to their parents on Linux alone")
def test_an_engine_ends_with_an_owner_that_was_killed(tmp_path: Path) -> None:
    owner = (
        "import pathlib, signal, sys; from tests.engines.processes import Recipe, running\n"
        f"recipe = Recipe('files', lambda port: [sys.executable, '-c', {SERVER.format(HANDLER)!r}, str(port)])\n"
        f"with running(recipe, pathlib.Path({str(tmp_path)!r})) as url: print(url, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert status(url) == 200
        os.kill(process.pid, signal.SIGKILL)
    assert refused_within(url, seconds=10)


def refused_within(url: str, seconds: float) -> bool:
    waiting = Patience(seconds)
    while not waiting.is_over:
        try:
            status(url)
        except ConnectionError:
            return True
        time.sleep(0.05)
    return False
