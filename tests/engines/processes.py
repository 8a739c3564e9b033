"""Starts one engine as a child process, waits until it answers HTTP, stops it by pid."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines.artefacts import INSTALL_HINT, EngineError
from tests.patience import Patience, scaled

READY_WITHIN = 60.0  # seconds of a quiet machine; it takes a second or two
STOP_WITHIN = 10.0  # seconds of a quiet machine until a kill
STARTS = 3  # a free port may be taken by somebody else before the engine binds it


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one engine is started: its name, its command line for a port, what its environment adds."""

    name: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def running(recipe: Recipe, folder: Path) -> Iterator[str]:
    """Yields the URL of a started engine and stops it afterwards; its log lies in `folder`."""
    log = folder / f"{recipe.name}.log"
    for _ in range(STARTS):
        port = free_port()
        process = _spawn(recipe, port, log)
        try:
            if _ready(process, port):
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            stop(process)
    raise EngineError(f"{recipe.name} did not come up:\n{log.read_text(errors='replace')[-4000:]}")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends this one process: asks, waits, kills."""
    process.terminate()
    try:
        process.wait(scaled(STOP_WITHIN))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _spawn(recipe: Recipe, port: int, log: Path) -> subprocess.Popen[bytes]:
    command = recipe.command(port)
    if shutil.which(command[0]) is None:
        raise EngineError(f"{command[0]} is not on PATH: {INSTALL_HINT}")
    with log.open("wb") as output:
        return subprocess.Popen(
            [*_leash(), *command],
            env=os.environ | recipe.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the command that uses the engines, which still needs them to stop
        )


def _leash() -> list[str]:
    """What makes the kernel end the engine should its owner be killed; Linux only."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the engine answers; False when it ended or stayed silent."""
    waiting = Patience(READY_WITHIN)
    while process.poll() is None and not waiting.is_over:
        if _answers(port):
            return process.poll() is None
        time.sleep(0.05)
    return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=scaled(5))
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
