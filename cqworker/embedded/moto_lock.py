"""The one lock around moto, which is not safe for concurrency: its FAQ says so, and lost writes show it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()
_holder = threading.local()


class ClientDisconnected(BaseException):
    """The client hung up while its request was waiting; no `except Exception` of moto or Flask may keep it."""


@contextmanager
def hold_lock(client: socket.socket | None) -> Iterator[None]:
    """Let the calling thread, which serves `client` (None: no request), be the only one in moto."""
    with _lock:
        _holder.client = client
        yield


def new_condition() -> threading.Condition:
    """Return a condition on the lock: waiting on it lets other threads into moto meanwhile."""
    return threading.Condition(_lock)


def wait_unlocked(condition: threading.Condition, seconds: float) -> None:
    """Wait up to `seconds` for `condition` without the lock. Raises ClientDisconnected where the client is gone."""
    condition.wait(seconds)
    if _has_hung_up(_holder.client):
        raise ClientDisconnected


def _has_hung_up(client: socket.socket | None) -> bool:
    if client is None:
        return False
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
