"""Tells systemd how the daemon is: READY, STOPPING, STATUS and WATCHDOG (sd_notify(3)), and how grave a line is."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

SEND_SECONDS = 0.5
"""Seconds to wait for a supervisor that does not read its socket: the main loop waits meanwhile."""

JOURNAL_PREFIXES: Mapping[str, str] = {
    "critical": "<2>",
    "error": "<3>",
    "warning": "<4>",
    "info": "<6>",
    "debug": "<7>",
}
"""What the journal takes off the beginning of a line and keeps as its severity (sd-daemon(3), SyslogLevelPrefix=)."""


def journal_prefixes(descriptor: int | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The prefixes by level where this file leads into the journal (JOURNAL_STREAM, systemd.exec(5)); else none.

    A pipe or file to which the output was turned since then is another file, and takes no prefixes.
    """
    try:
        file = os.fstat(descriptor) if descriptor is not None else None
    except OSError:
        return {}
    if file is None or environ.get("JOURNAL_STREAM") != f"{file.st_dev}:{file.st_ino}":
        return {}
    return JOURNAL_PREFIXES


def prefix_lines(prefix: str, text: str) -> str:
    """The text with the prefix before each of its lines: the journal takes each for an entry of its own."""
    return "\n".join(prefix + line for line in text.split("\n")) if prefix else text


def notify(environ: Mapping[str, str], *lines: str) -> bool:
    """Sends assignments such as `READY=1` or `STATUS=…` in one datagram; False when nobody took it.

    Never raises: an inherited NOTIFY_SOCKET may be stale or belong to another user. A line break inside a line
    becomes a space, for systemd would read what follows it as an assignment of its own.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    message = "\n".join(" ".join(line.splitlines()) for line in lines)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.settimeout(SEND_SECONDS)
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
