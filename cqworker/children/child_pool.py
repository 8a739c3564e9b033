"""A pool of child processes: at most so many, each with a thread of its own that owns it from its start to its end."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cqworker.children.child_process import ChildProcess, Gone, Overdue
from cqworker.children.frames import Frame, Kind
from cqworker.errors import ProcessDied, ProcessNotStarted, ProcessTimeout

IDLE = 300.0
"""Seconds after which a child that nobody needs is ended."""
PATIENCE = 300.0
"""Seconds for a child to take up a call, which may mean importing a lot first."""
PARTING = 2.0
"""Seconds that close() waits for children to be gone: they were killed, which takes milliseconds."""
OVER = "The worker closes."


class Killed(Exception):
    """The call was cancelled, and had not been answered when its child was gone."""


Ending = Frame | ProcessDied | ProcessTimeout | ProcessNotStarted | Killed


class Errand:
    """One call. `tell` gets its ending, once, on another thread; `begun`, too, when the child has taken it up."""

    def __init__(
        self,
        request: bytes,
        timeout: float | None,
        tell: Callable[[Ending], None],
        begun: Callable[[], None],
        withdraw: Callable[[Errand], None],
    ) -> None:
        self.request = request
        self.timeout = timeout
        self.tell = tell
        self.begun = begun
        self._withdraw = withdraw

    def cancel(self) -> None:
        """Ends the call and its child, at whatever stage they are; an answer that was sent before still counts."""
        self._withdraw(self)


class Children:
    """At most `most` child processes, those that end included; an idle one takes the next call.

    They hang on nothing but this pool: not on the task, the loop or the thread that called.
    """

    def __init__(self, most: int, idle: float = IDLE) -> None:
        self._most = most
        self._idle_for = idle
        self._lock = threading.Lock()
        self._keepers: set[_Keeper] = set()
        self._idle: list[_Keeper] = []
        self._waiting: deque[Errand] = deque()
        self._closed = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._keepers)

    def call(
        self,
        request: bytes,
        tell: Callable[[Ending], None],
        *,
        timeout: float | None = None,
        begun: Callable[[], None] = lambda: None,
    ) -> Errand:
        """Has a child run this request, for at most `timeout` seconds once it has begun; never waits, never raises."""
        errand = Errand(request, timeout, tell, begun, self._withdraw)
        with self._lock:
            placed = self._placed(errand)
        self._set_to_work(placed, errand)
        return errand

    async def close(self) -> None:
        """Kills every child and waits until they are gone."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            keepers = list(self._keepers)
        for errand in waiting:
            errand.tell(Killed())
        for keeper in keepers:
            keeper.child.kill()
        end = time.monotonic() + PARTING
        while self._keepers and time.monotonic() < end:  # noqa: ASYNC110 - other threads take them out
            await asyncio.sleep(0.005)

    def _placed(self, errand: Errand) -> _Keeper | ProcessNotStarted | None:
        """Called under the lock. Gives the errand to somebody, or a new keeper for it, or why there is none."""
        if self._closed:
            return ProcessNotStarted(OVER)
        if self._idle:
            keeper = self._idle.pop()
            keeper.errand = errand
            keeper.child.ring()
        elif len(self._keepers) < self._most:
            try:
                keeper = _Keeper(self, errand)
            except OSError as error:  # no descriptor
                return ProcessNotStarted(str(error))
            self._keepers.add(keeper)
            return keeper
        else:
            self._waiting.append(errand)
        return None

    def _set_to_work(self, placed: _Keeper | ProcessNotStarted | None, errand: Errand) -> None:
        if isinstance(placed, _Keeper):
            try:
                placed.start()
                return
            except RuntimeError as error:  # no thread
                with self._lock:
                    self._keepers.discard(placed)
                placed.child.close()
                placed = ProcessNotStarted(str(error))
        if placed is not None:
            errand.tell(placed)

    def _withdraw(self, errand: Errand) -> None:
        with self._lock:
            is_waiting = errand in self._waiting
            if is_waiting:
                self._waiting.remove(errand)
            for keeper in self._keepers:
                if keeper.errand is errand:
                    keeper.child.kill()
        if is_waiting:
            errand.tell(Killed())

    def done(self, keeper: _Keeper) -> bool:
        """Its child has answered and can serve again: whoever waits is next, else it idles; False: it shall end."""
        with self._lock:
            if self._closed or keeper.child.is_killed:
                return False
            keeper.errand = self._waiting.popleft() if self._waiting else None
            if keeper.errand is None:
                self._idle.append(keeper)
            return True

    def leave(self, keeper: _Keeper) -> bool:
        """It has idled for long: True if nobody has given it an errand meanwhile."""
        with self._lock:
            if keeper in self._idle:
                self._idle.remove(keeper)
            return keeper.errand is None

    @property
    def idle_for(self) -> float:
        """Seconds that a child may idle."""
        return self._idle_for

    def gone(self, keeper: _Keeper) -> None:
        """Its child was reaped: there is room for another."""
        placed = None
        with self._lock:
            self._keepers.discard(keeper)
            if keeper in self._idle:
                self._idle.remove(keeper)
            errand = self._waiting.popleft() if self._waiting else None
            if errand is not None:
                placed = self._placed(errand)
        if errand is not None:
            self._set_to_work(placed, errand)


@asynccontextmanager
async def hired(most: int) -> AsyncIterator[Children]:
    """Children for as long as the block lasts."""
    children = Children(most)
    try:
        yield children
    finally:
        await children.close()


class _Keeper(threading.Thread):
    """The thread that owns one child."""

    def __init__(self, pool: Children, errand: Errand) -> None:
        super().__init__(name="child", daemon=True)
        self._pool = pool
        self._has_begun = False
        self.errand: Errand | None = errand
        self.child: ChildProcess = ChildProcess()

    def run(self) -> None:
        """Whoever waits for a child that ended is told once it was reaped, never before."""
        ending: Ending | None = None
        try:
            ending = self._serve()
        except ProcessNotStarted as error:
            ending = error
        except (Gone, ValueError, MemoryError):  # it ended, talks nonsense, or has more to say than we can hold
            ending = None
        self.child.close()
        self._pool.gone(self)
        if self.errand is not None:
            self.errand.tell(ending or self._how_it_ended())

    def _serve(self) -> Ending | None:
        """Until nobody needs the child any more; returns, or raises, what is still to be told when it was the last."""
        self.child.start()
        while True:
            errand = self.errand
            if errand is None:
                if not self.child.rest(time.monotonic() + self._pool.idle_for) and self._pool.leave(self):
                    return None
                continue
            ending = self._ending(errand)
            if isinstance(ending, ProcessTimeout) or not self._pool.done(self):
                return ending
            errand.tell(ending)

    def _ending(self, errand: Errand) -> Ending:
        """Raises ProcessNotStarted and Gone."""
        self._has_begun = False
        patience = time.monotonic() + PATIENCE
        try:
            self.child.send(Kind.CALL, errand.request, patience)
            self.child.next_frame(patience)
        except Overdue:
            raise ProcessNotStarted(f"it did not take the call within {PATIENCE:g} s") from None
        self._has_begun = True
        errand.begun()
        try:
            return self.child.next_frame(None if errand.timeout is None else time.monotonic() + errand.timeout)
        except Overdue:
            return self._cut_off(errand)

    def _cut_off(self, errand: Errand) -> Ending:
        """What it has said by the time it is dead counts."""
        self.child.kill()
        try:
            return self.child.next_frame()
        except Gone:
            return ProcessTimeout(f"The process had not ended within {errand.timeout:g} s.")

    def _how_it_ended(self) -> Ending:
        if self.child.is_killed:
            return Killed()
        if not self._has_begun:
            return ProcessNotStarted(f"its process ended before it began ({self.child.end})")
        if self.child.signal == signal.SIGXCPU:
            return ProcessTimeout("The process used up its processor time.")
        return ProcessDied(f"The handler's process died: a native crash, an exit, or out of memory ({self.child.end}).")
