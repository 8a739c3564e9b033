"""A stop that comes while the daemon is still being loaded: there is nothing to drain, and it is obeyed at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

DAEMONS = frozenset({"run", "dev"})
"""The commands that a supervisor starts and stops."""
STOPS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


def heed_early_stops(arguments: Sequence[str]) -> None:
    """From here until the daemon itself listens, a stop ends the process with 0; other commands keep their defaults.

    Loading takes seconds: the AWS clients, and plugins that import what they like. A supervisor that stops a daemon
    then must not be told that it died by a signal. No exception does it, which a plugin's import might swallow.
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    for number in STOPS if command in DAEMONS else ():
        signal.signal(number, lambda *_: os._exit(0))
