"""A pool of child processes, each owned by a thread of its own from its start until it was reaped."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cqworker.children.child_process import ChildGone, ChildProcess, ChildTimeout
from cqworker.children.frames import Frame, Kind
from cqworker.errors import ProcessDied, ProcessNotStarted, ProcessTimeout

IDLE_SECONDS = 300.0
"""Seconds after which a child without a call is ended: a fresh one takes a tenth of a second, an idle one memory."""
TAKE_UP_SECONDS = 300.0
"""Seconds for a child to take up a call, which may mean importing a lot first."""
CLOSE_SECONDS = 2.0
"""Seconds that close() waits for children to be gone: they were killed, which takes milliseconds."""
CLOSED = "The worker closes."


class CallKilled(Exception):
    """The call was cancelled, and had not been answered when its child was gone."""


CallEnd = Frame | ProcessDied | ProcessTimeout | ProcessNotStarted | CallKilled


class PendingCall:
    """One call. On another thread `on_begin` is called when a child took it up, and `on_end`, once, with its end."""

    def __init__(
        self,
        request: bytes,
        timeout: float | None,
        on_end: Callable[[CallEnd], None],
        on_begin: Callable[[], None],
        withdraw: Callable[[PendingCall], None],
    ) -> None:
        self.request = request
        self.timeout = timeout
        self.on_end = on_end
        self.on_begin = on_begin
        self._withdraw = withdraw

    def cancel(self) -> None:
        """Ends the call and its child, at whatever stage they are; an answer that was sent before still counts."""
        self._withdraw(self)


class ChildPool:
    """At most `max_children` child processes, those that end included; one that is idle for `idle` seconds is ended.

    They depend on nothing but this pool: not on the task, the loop or the thread that called.
    """

    def __init__(self, max_children: int, idle: float = IDLE_SECONDS) -> None:
        self._max_children = max_children
        self._idle_for = idle
        self._lock = threading.Lock()
        self._threads: set[_ChildThread] = set()
        self._idle: list[_ChildThread] = []
        self._waiting: deque[PendingCall] = deque()
        self._closed = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._threads)

    def call(
        self,
        request: bytes,
        on_end: Callable[[CallEnd], None],
        *,
        timeout: float | None = None,
        on_begin: Callable[[], None] = lambda: None,
    ) -> PendingCall:
        """Has a child run this request, for at most `timeout` seconds once it has begun; never waits, never raises."""
        call = PendingCall(request, timeout, on_end, on_begin, self._withdraw)
        with self._lock:
            placed = self._place(call)
        self._start_or_fail(placed, call)
        return call

    async def close(self) -> None:
        """Kills every child and waits until they are gone."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, deque()
            threads = list(self._threads)
        for call in waiting:
            call.on_end(CallKilled())
        for thread in threads:
            thread.child.kill()
        end = time.monotonic() + CLOSE_SECONDS
        while self._threads and time.monotonic() < end:  # noqa: ASYNC110 - other threads take them out
            await asyncio.sleep(0.005)

    def _place(self, call: PendingCall) -> _ChildThread | ProcessNotStarted | None:
        """Under the lock: gives it to an idle child, or lets it wait, or returns a new thread for it, or an error."""
        if self._closed:
            return ProcessNotStarted(CLOSED)
        if self._idle:
            thread = self._idle.pop()
            thread.call = call
            thread.child.wake()
        elif len(self._threads) < self._max_children:
            try:
                thread = _ChildThread(self, call)
            except OSError as error:  # no descriptor
                return ProcessNotStarted(str(error))
            self._threads.add(thread)
            return thread
        else:
            self._waiting.append(call)
        return None

    def _start_or_fail(self, placed: _ChildThread | ProcessNotStarted | None, call: PendingCall) -> None:
        if isinstance(placed, _ChildThread):
            try:
                placed.start()
                return
            except RuntimeError as error:  # no thread
                with self._lock:
                    self._threads.discard(placed)
                placed.child.close()
                placed = ProcessNotStarted(str(error))
        if placed is not None:
            call.on_end(placed)

    def _withdraw(self, call: PendingCall) -> None:
        with self._lock:
            is_waiting = call in self._waiting
            if is_waiting:
                self._waiting.remove(call)
            for thread in self._threads:
                if thread.call is call:
                    thread.child.kill()
        if is_waiting:
            call.on_end(CallKilled())

    def finish_call(self, thread: _ChildThread) -> bool:
        """Its child has answered: takes the next waiting call, or idles. False where the child is to end."""
        with self._lock:
            if self._closed or thread.child.is_killed:
                return False
            thread.call = self._waiting.popleft() if self._waiting else None
            if thread.call is None:
                self._idle.append(thread)
            return True

    def release_idle(self, thread: _ChildThread) -> bool:
        """It has idled for long: True where it got no call meanwhile, and then it gets none any more."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
            return thread.call is None

    @property
    def idle_for(self) -> float:
        """Seconds that a child may idle."""
        return self._idle_for

    def remove(self, thread: _ChildThread) -> None:
        """Forgets a thread whose child was reaped, and starts another for a call that waits."""
        placed = None
        with self._lock:
            self._threads.discard(thread)
            if thread in self._idle:
                self._idle.remove(thread)
            call = self._waiting.popleft() if self._waiting else None
            if call is not None:
                placed = self._place(call)
        if call is not None:
            self._start_or_fail(placed, call)


@asynccontextmanager
async def open_child_pool(max_children: int) -> AsyncIterator[ChildPool]:
    """A pool for as long as the block lasts."""
    children = ChildPool(max_children)
    try:
        yield children
    finally:
        await children.close()


class _ChildThread(threading.Thread):
    """The thread that owns one child."""

    def __init__(self, pool: ChildPool, call: PendingCall) -> None:
        super().__init__(name="child", daemon=True)
        self._pool = pool
        self._has_begun = False
        self.call: PendingCall | None = call
        self.child: ChildProcess = ChildProcess()

    def run(self) -> None:
        """Serves calls until the child ends; the last call ends once the child was reaped, never before."""
        ending: CallEnd | None = None
        try:
            ending = self._serve()
        except ProcessNotStarted as error:
            ending = error
        except (ChildGone, ValueError, MemoryError):  # it ended, talks nonsense, or has more to say than we can hold
            ending = None
        self.child.close()
        self._pool.remove(self)
        if self.call is not None:
            self.call.on_end(ending or self._end_of_child())

    def _serve(self) -> CallEnd | None:
        """Runs calls until the child is not needed; returns, or raises, the end of the last one if it is still open."""
        self.child.start()
        while True:
            call = self.call
            if call is None:
                if not self.child.wait_idle(time.monotonic() + self._pool.idle_for) and self._pool.release_idle(self):
                    return None
                continue
            ending = self._run_call(call)
            if isinstance(ending, ProcessTimeout) or not self._pool.finish_call(self):
                return ending
            call.on_end(ending)

    def _run_call(self, call: PendingCall) -> CallEnd:
        """Runs one call; raises ProcessNotStarted and ChildGone."""
        self._has_begun = False
        until = time.monotonic() + TAKE_UP_SECONDS
        try:
            self.child.send(Kind.CALL, call.request, until)
            self.child.next_frame(until)
        except ChildTimeout:
            raise ProcessNotStarted(f"it did not take the call within {TAKE_UP_SECONDS:g} s") from None
        self._has_begun = True
        call.on_begin()
        try:
            return self.child.next_frame(None if call.timeout is None else time.monotonic() + call.timeout)
        except ChildTimeout:
            return self._time_out(call)

    def _time_out(self, call: PendingCall) -> CallEnd:
        """Kills the child of a call whose time is up; an answer that it sent before it died counts."""
        self.child.kill()
        try:
            return self.child.next_frame()
        except ChildGone:
            return ProcessTimeout(f"The process had not ended within {call.timeout:g} s.")

    def _end_of_child(self) -> CallEnd:
        if self.child.is_killed:
            return CallKilled()
        if not self._has_begun:
            return ProcessNotStarted(f"its process ended before it began ({self.child.end_text})")
        if self.child.signal == signal.SIGXCPU:
            return ProcessTimeout("The process used up its processor time.")
        return ProcessDied(
            f"The handler's process died: a native crash, an exit, or out of memory ({self.child.end_text})."
        )
