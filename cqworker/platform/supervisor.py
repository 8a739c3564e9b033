"""What the daemon's lifecycle asks of whatever started it: systemd today, another platform beside it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Supervisor(Protocol):
    """Learns the daemon's phases and keeps its hands off while the daemon works or drains. No method raises."""

    def announce_ready(self, status: str) -> None:
        """HTTP answers and the worker asks for work; `status` is one line for people."""

    def announce_draining(self) -> None:
        """No new work is taken from here on."""

    def confirm_liveness(self) -> AbstractAsyncContextManager[None]:
        """While the block lasts, shows the platform's watchdog that the main loop turns."""
        ...

    def extend_deadline(self) -> AbstractAsyncContextManager[None]:
        """While the block lasts, keeps the platform from killing a process that takes long to stop."""
        ...
