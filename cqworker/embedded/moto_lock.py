"""The one gate into moto, which is not safe for concurrency: its FAQ says so, and lost writes show it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_gate = threading.RLock()
_inside = threading.local()


class ClientGone(BaseException):
    """The client hung up while its request was waiting; no `except Exception` of moto or Flask may keep it."""


@contextmanager
def admitted(client: socket.socket | None) -> Iterator[None]:
    """Let the calling thread, which serves `client` (or nobody), be the only one in moto."""
    with _gate:
        _inside.client = client
        yield


def new_condition() -> threading.Condition:
    """Return a condition that belongs to the gate: who waits on it lets others into moto meanwhile."""
    return threading.Condition(_gate)


def step_aside(condition: threading.Condition, seconds: float) -> None:
    """Wait up to `seconds` for `condition` outside the gate; raises ClientGone if nobody waits for the answer."""
    condition.wait(seconds)
    if _hung_up(_inside.client):
        raise ClientGone


def _hung_up(client: socket.socket | None) -> bool:
    if client is None:
        return False
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
