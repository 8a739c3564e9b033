"""Where log lines go: gathered for one turn of the loop, written in one write, never worth a blocked or dead daemon."""

from __future__ import annotations

import asyncio
import io
import os
import select
import stat
import threading
import time
from asyncio import get_running_loop
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

MAX_LINES = 4096
"""Lines kept while the sink takes none; further ones are dropped and counted."""
PIPE_BUF = 4096
"""Bytes that a pipe, socket or terminal which polls as writable takes without blocking (poll(2), pipe(7))."""
LINE_BREAK = ord("\n")
RETRY_SECONDS = 0.2
"""Seconds after which an output that took nothing is tried again."""


class NonBlockingOutput:
    """The file behind a stream, written without ever waiting for its reader."""

    def __init__(self, stream: IO[Any] | None) -> None:
        self._stream = getattr(stream, "buffer", stream)
        self._fd = _descriptor(stream)
        self._poll: select.poll | None = None
        if self._fd is not None and not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLOUT)

    @property
    def descriptor(self) -> int | None:
        """The file's descriptor; None where there is no file behind the stream."""
        return self._fd

    def wait(self, seconds: float) -> bool:
        """Whether the output would take something now, or within so many seconds."""
        return self._poll is None or bool(self._poll.poll(seconds * 1000))

    def put(self, data: memoryview) -> int:
        """How many bytes were taken. Raises BlockingIOError when none can be, OSError or ValueError when none ever."""
        if self._fd is None:
            return self._put_in_stream(data)
        if self._poll is None:
            return os.write(self._fd, data)
        if not self.wait(0):
            raise BlockingIOError
        return os.write(self._fd, data[:PIPE_BUF])

    def _put_in_stream(self, data: memoryview) -> int:
        if self._stream is None:
            raise OSError("there is no standard output")
        text = isinstance(self._stream, io.TextIOBase)
        self._stream.write(bytes(data).decode() if text else bytes(data))
        self._stream.flush()
        return len(data)


def _descriptor(stream: IO[Any] | None) -> int | None:
    try:
        descriptor = stream.fileno() if stream is not None else None
        if descriptor is not None:
            os.fstat(descriptor)
    except (OSError, ValueError, AttributeError):
        return None
    return descriptor


class _FlushDue(threading.local):
    """The loop of this thread on which a flush is due; each loop has its own, for one may hang."""

    loop: asyncio.AbstractEventLoop | None = None


class LogSink:
    """Gathers lines from every thread and writes them when the loop's turn ends, or at once where no loop runs.

    structlog calls the method named like the level; all are `write`. Nothing here raises: what the output refuses
    (ENOSPC, EPIPE) and what it does not take for too long is dropped and counted, and `notice` words the line that
    says so once lines flow again.
    """

    def __init__(self, output: NonBlockingOutput, notice: Callable[[int], bytes]) -> None:
        self._output = output
        self._notice = notice
        self._lines: deque[bytes] = deque()
        self._unwritten = memoryview(b"")
        self._is_torn = False
        self._writing = threading.Lock()
        self._due = _FlushDue()
        self._dropped = 0
        self._reported = 0

    @property
    def dropped(self) -> int:
        """Lines lost so far."""
        return self._dropped

    def write(self, line: bytes) -> None:
        """Takes one line that ends with a line break; called from any thread."""
        lines = self._lines
        if len(lines) >= MAX_LINES:
            self.flush()
            if len(lines) >= MAX_LINES:
                self._dropped += 1
                return
        lines.append(line)
        try:
            loop = get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._due.loop is not loop:
            self._due.loop = loop
            loop.call_soon(self._end_turn)

    debug = info = warning = error = critical = write

    def flush(self) -> None:
        """Writes what was gathered, as far as the output takes it. One thread writes; the others leave it theirs."""
        flowing = True
        while flowing and (self._lines or self._unwritten) and self._writing.acquire(blocking=False):
            try:
                flowing = self._drain()
            finally:
                self._writing.release()
        if not flowing:
            self._try_later()

    def close(self, seconds: float) -> None:
        """Writes what is left, waiting at most so many seconds for an output that takes nothing."""
        until = time.monotonic() + seconds
        self.flush()
        while (self._lines or self._unwritten) and self._output.wait(max(0.0, until - time.monotonic())):
            self.flush()
            if time.monotonic() > until:
                return

    def _try_later(self) -> None:
        """Where no loop runs in this thread, the next line or the end is the next try."""
        with suppress(RuntimeError):
            loop = get_running_loop()
            if self._due.loop is not loop:
                self._due.loop = loop
                loop.call_later(RETRY_SECONDS, self._end_turn)

    def _end_turn(self) -> None:
        self._due.loop = None
        self.flush()

    def _drain(self) -> bool:
        """Whether everything gathered is gone, written or lost; False when the output takes nothing just now."""
        if not self._unwritten:
            self._unwritten = self._gather()
        while self._unwritten:
            try:
                taken = self._output.put(self._unwritten)
            except BlockingIOError:
                return False
            except (OSError, ValueError):
                self._discard()
                return True
            if not taken:
                return False
            self._is_torn = self._unwritten[taken - 1] != LINE_BREAK
            self._unwritten = self._unwritten[taken:]
        if self._dropped > self._reported:
            self._reported = self._dropped
            self._lines.append(self._notice(self._dropped))
        return True

    def _gather(self) -> memoryview:
        """One write's worth; after a torn line a line break comes first, so that nothing is glued to its stump."""
        lines = [b"\n"] if self._is_torn else []
        while self._lines:
            lines.append(self._lines.popleft())
        return memoryview(b"".join(lines))

    def _discard(self) -> None:
        self._dropped += bytes(self._unwritten).lstrip(b"\n").count(b"\n")
        self._unwritten = memoryview(b"")
