"""The parent's side of the embedded AWS: start the child, learn its port, end it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import IO, cast

from cqworker.embedded.running_aws import EmbeddedAws, EmbeddedAwsError, embedded_aws_at

MOTO = "5.2"
INSTALL = "pip install 'cqworker[embedded]'"


@asynccontextmanager
async def running_aws(*, start_timeout: float = 30.0) -> AsyncIterator[EmbeddedAws]:
    """Run an empty AWS on loopback for as long as the block lasts; `start_timeout` is in seconds.

    Raises EmbeddedAwsError when it cannot be started.
    """
    with _child() as child:
        yield await asyncio.to_thread(_wait_for_port, child, start_timeout)


@contextmanager
def running_aws_sync(*, start_timeout: float = 30.0) -> Iterator[EmbeddedAws]:
    """The same as running_aws where there is no event loop, as in a pytest session fixture."""
    with _child() as child:
        yield _wait_for_port(child, start_timeout)


@contextmanager
def _child() -> Iterator[subprocess.Popen[str]]:
    _require_moto()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cqworker.embedded"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_child_environment(),
        start_new_session=True,  # Ctrl-C reaches the daemon, which drains, not what it drains into
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()  # it has nothing to save, and this ends even a stopped one


def _require_moto() -> None:
    try:
        found = version("moto")
        version("flask-cors")
    except PackageNotFoundError:
        raise EmbeddedAwsError(f"the embedded AWS needs the extra: {INSTALL}") from None
    if not found.startswith(f"{MOTO}."):
        raise EmbeddedAwsError(f"the embedded AWS needs moto {MOTO}, and moto {found} is installed: {INSTALL}")


def _child_environment() -> dict[str, str]:
    """Return this process's environment without the AWS's own; modules are found where this process finds them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MOTO_DISABLE_GLOBAL_CORS": "true"}


def _wait_for_port(child: subprocess.Popen[str], timeout: float) -> EmbeddedAws:
    alarm = threading.Timer(timeout, child.kill)
    alarm.start()
    try:
        line = cast("IO[str]", child.stdout).readline()
        if line:
            return embedded_aws_at(port=int(line), pid=child.pid)
        complaint = child.communicate()[1].strip().rpartition("\n")[2]
        raise EmbeddedAwsError(f"the embedded AWS did not start: {complaint or f'no answer within {timeout:g} s'}")
    finally:
        alarm.cancel()
