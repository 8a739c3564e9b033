"""Why one handler should stop, what it has seen of that, and whether it called its result finished."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from cqworker.execution.outcome import StopReason


class StopSignal(Struct, eq=False):
    """Set on the main loop, looked at where the handler runs.

    `seen` is written where the handler runs and read there at its end, so that no later look can change what the end
    counts as. Whatever was seen had been set before: the end of a handler that saw it cannot overtake it.
    """

    is_draining: Callable[[], bool]
    reason: StopReason | None = None
    seen: StopReason | None = None
    finished: bool = False

    def look(self) -> StopReason | None:
        """Why the handler should stop: it was told to, or the worker is about to; None while it need not."""
        reason = self.reason or (StopReason.DRAIN if self.is_draining() else None)
        if reason is not None and self.seen is None:
            self.seen = reason
        return reason

    def note_thrown(self) -> None:
        """Called where the coroutine runs: CancelledError is on its way into it, and nothing stops that any more."""
        if self.seen is None:
            self.seen = self.reason

    def finish(self) -> None:
        """The handler says that what it returns is the whole result."""
        self.finished = True
