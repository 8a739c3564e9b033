"""A stop that comes while the daemon is still being loaded: there is nothing to drain, and it is obeyed at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

DAEMON_COMMANDS = frozenset({"run", "dev"})
"""The commands that a supervisor starts and stops."""
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


def exit_on_early_stop(arguments: Sequence[str]) -> None:
    """From here until the daemon itself listens, a stop signal ends the process with 0; other commands keep defaults.

    Loading takes seconds: the AWS clients, and plugins that import what they like. A supervisor that stops a daemon
    then must not see that it died by a signal. No exception does it, which a plugin's import might swallow.
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    for number in STOP_SIGNALS if command in DAEMON_COMMANDS else ():
        signal.signal(number, lambda *_: os._exit(0))
