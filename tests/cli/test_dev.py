"""`run` and `dev` as processes, and how they fail to start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.cli.running import COMMAND, Dev, execute, invoke, plain_environment
from tests.patience import scaled


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_dev_without_its_extra_ends_with_78_and_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("cqworker.embedded.moto_process.version", absent)
    result = invoke("dev")
    assert result.exit_code == 78
    assert result.stderr == "The embedded AWS needs the extra: pip install 'cqworker[embedded]'\n"


def test_a_taken_port_is_told_in_one_line(dev: Dev) -> None:
    with taken_port() as port:
        done = execute("run", "--port", str(port), "--log-level", "error", **dev.exports)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert "Traceback" not in done.stderr


def test_run_serves_by_its_flags_until_it_is_told_to_stop(dev: Dev) -> None:
    args = ["run", "--port", "0", "--host", "127.0.0.2", "--role", "worker", "--concurrency", "1"]
    short_polls = {"CQWORKER_QUEUES": '[{"name": "cqworker", "wait_time": 0}]'}
    environ = {**plain_environment(), **dev.exports, **short_polls}
    with subprocess.Popen([*COMMAND, *args], env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = next(line for line in map(json.loads, process.stdout) if line["event"] == "daemon ready")
            assert ready["detail"].startswith("http://127.0.0.2:")
            with urllib.request.urlopen(f"{ready['detail']}/healthz", timeout=scaled(5)) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(scaled(20)) == 0
        finally:
            process.kill()


def test_what_curl_uploads_by_itself_is_read_by_a_handler(dev: Dev) -> None:
    """curl says application/x-www-form-urlencoded of whatever it is given with -d or --data-binary."""
    picture = BytesIO()
    Image.new("RGB", (4, 4), "red").save(picture, "PNG")
    as_curl = {"Content-Type": "application/x-www-form-urlencoded"}
    made = asked(dev, "/artifacts", picture.getvalue(), as_curl)
    with urllib.request.urlopen(f"{dev.url}/artifacts/{made['artifact_id']}", timeout=scaled(10)) as answer:
        assert answer.read() == picture.getvalue()
    job = asked(dev, "/jobs", json.dumps({"type": "image.grayscale", "payload": {"source": made["source"]}}).encode())
    assert asked(dev, f"/jobs/{job['job_id']}?wait=20")["status"] == "SUCCEEDED"


def asked(dev: Dev, path: str, data: bytes | None = None, headers: Mapping[str, str] = {}) -> dict[str, Any]:
    """The JSON that the daemon answers; a POST where there is something to send."""
    request = urllib.request.Request(dev.url + path, data, dict(headers))
    with urllib.request.urlopen(request, timeout=scaled(30)) as answer:
        said: dict[str, Any] = json.load(answer)
        return said
