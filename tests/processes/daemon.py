"""One `cqworker` process: its signals, its HTTP side, what it tells its supervisor, what it logs."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from cqworker.model.status import FINAL
from tests.patience import Patience, scaled, until
from tests.processes.supervisor import Supervisor
from tests.stopwatch import Stopwatch

__all__ = ["FINAL", "PROGRAM", "RUN", "Answer", "Daemon", "until"]

PROGRAM = (sys.executable, "-m", "cqworker")
RUN = ("run", "--port", "0")
READY_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, its body as JSON where it is some, and the seconds it took, without the wait for a core."""

    status: int
    headers: Mapping[str, str]
    body: Any
    seconds: float


class Daemon:
    """A started daemon; `close` ends it, however it is."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        arguments: Sequence[str] = RUN,
        program: Sequence[str] = PROGRAM,
        home: Path | None = None,
    ) -> None:
        """`folder` takes the log; `home` is the working directory, this process's own when none is given."""
        self.supervisor = Supervisor()
        self._log = folder / f"{time.monotonic_ns()}.log"
        self.started = time.monotonic()
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [*program, *arguments],
                env={**environment, "NOTIFY_SOCKET": self.supervisor.path},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=home,
            )

    @property
    def url(self) -> str:
        """Where it serves; waits until it says READY."""
        self.supervisor.hears("READY=1", READY_WITHIN)
        return self.supervisor.hears("STATUS=Serving ").removeprefix("STATUS=Serving ").partition(";")[0]

    @property
    def log(self) -> str:
        """All that it wrote to stdout and stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask("POST", path, b"" if body is None else json.dumps(body).encode(), named)

    def post_bytes(self, path: str, body: bytes, content_type: str) -> Answer:
        return self._ask("POST", path, body, {"Content-Type": content_type})

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=scaled(30))
        watch = Stopwatch(self.process.pid)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Answer(
            answer.status,
            {name.lower(): value for name, value in answer.headers.items()},
            json.loads(data) if is_json else data,
            watch.seconds,
        )

    def submit(self, type_: str, payload: object, **more: object) -> str:
        """Submits a job that is accepted, and returns its id."""
        answer = self.post("/jobs", {"type": type_, "payload": payload, **more})
        assert answer.status == 202, answer
        return str(answer.body["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        view: dict[str, Any] = self.get(f"/jobs/{job_id}").body
        return view

    def ended(self, job_id: str, patience: float = 30.0) -> dict[str, Any]:
        """The job once it is final, whoever ran it."""
        until(lambda: self.job(job_id)["status"] in FINAL, patience)
        return self.job(job_id)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that carry these labels."""
        families = text_string_to_metric_families(self.get("/metrics").body.decode())
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def exit_code(self, patience: float = 30.0) -> int:
        """How it ended; raises subprocess.TimeoutExpired when it does not within `patience`, scaled."""
        waiting = Patience(patience)
        while True:
            try:
                return self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                if waiting.is_over:
                    raise

    def stop(self, number: int = SIGTERM, patience: float = 30.0) -> tuple[int, float]:
        """Exit code and seconds of a stop by this signal, without what its threads had to wait for a core."""
        watch, waiting = Stopwatch(self.process.pid), Patience(patience)
        self.signal(number)
        while self.process.poll() is None:
            seconds = watch.seconds
            if waiting.is_over:
                raise TimeoutError(f"it did not end within {seconds:.1f} s:\n{self.log}")
            time.sleep(0.02)
        return self.process.returncode, watch.seconds

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.supervisor.close()
