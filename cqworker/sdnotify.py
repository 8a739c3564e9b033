"""Tells systemd how the daemon is: READY, STOPPING, STATUS and WATCHDOG datagrams (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

PATIENCE = 0.5
"""Seconds to wait for a supervisor that does not read its socket: the main loop is waiting with us."""


def notify(environ: Mapping[str, str], *lines: str) -> bool:
    """Sends assignments such as `READY=1` or `STATUS=…` in one datagram; False when nobody could be told.

    Never raises: an inherited NOTIFY_SOCKET may be stale or belong to another user. A line break inside a line
    becomes a space, for systemd would read what follows it as an assignment of its own.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    message = "\n".join(" ".join(line.splitlines()) for line in lines)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.settimeout(PATIENCE)
            connection.connect("\0" + address[1:] if address.startswith("@") else address)
            connection.sendall(message.encode("utf-8", "replace"))
    except (OSError, ValueError):
        return False
    return True


def watchdog_interval(environ: Mapping[str, str], pid: int | None = None) -> float | None:
    """Seconds between two `WATCHDOG=1`: half of what systemd allows (sd_watchdog_enabled(3)).

    None when no watchdog runs, or when WATCHDOG_PID says that it watches another process than `pid` (ours).
    """
    ours = str(os.getpid() if pid is None else pid)
    if (environ.get("WATCHDOG_PID") or ours) != ours:
        return None
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 2_000_000 if microseconds > 0 else None
