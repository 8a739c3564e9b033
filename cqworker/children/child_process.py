"""One child process, from its start until it was reaped."""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from cqworker.children.frames import CHUNK_BYTES, Frame, FrameReader, Kind, pack
from cqworker.errors import ProcessNotStarted
from cqworker.posix import CHILDREN_NEED_POSIX, is_posix

START_SECONDS = 60.0
"""Seconds for a new child to say that it is there, which takes it a tenth of one."""
EXIT_SECONDS = 1.0
"""Seconds for a child that has closed its line to end by itself."""
POLL_SECONDS = 0.5
"""Seconds between two looks at whether a child has ended, where the system cannot tell of it by a descriptor."""
PROGRAM = "import sys; sys.path[:] = sys.argv[4:]; from cqworker.children.child_main import serve; serve({})"
"""A fresh interpreter, never a fork: it inherits no lock and no thread. It finds what this process finds."""
ARGUMENTS = "int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]"


class ChildGone(Exception):
    """The child has ended, and had sent no more."""


class ChildTimeout(Exception):
    """The child sent, or took, nothing in time."""


class ChildProcess:
    """A process that runs calls. One thread uses it, any may kill it; that one must close it.

    That thread must be the one that starts it, for on Linux the child ends with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._is_broken = False
        self._line, self._child_end, self._wake_in, self._wake_out = _open_sockets()
        self._pidfd: int | None = None
        self._frames = FrameReader()

    @property
    def is_killed(self) -> bool:
        """We ended it, or will as soon as it is there."""
        return self._killed

    @property
    def signal(self) -> int | None:
        """What ended it, if a signal did; known once it was closed."""
        code = None if self._process is None else self._process.returncode
        return -code if code is not None and code < 0 else None

    @property
    def end_text(self) -> str:
        """How it ended, in words; known once it was closed."""
        code = None if self._process is None else self._process.returncode
        if self.signal is None:
            return f"exit code {code}"
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"

    def start(self) -> None:
        """Starts it and waits until it is ready. Raises ProcessNotStarted, and ChildGone if it was killed meanwhile."""
        if self._killed:
            raise ChildGone
        if not is_posix():
            raise ProcessNotStarted(CHILDREN_NEED_POSIX)
        try:
            process = _spawn(self._child_end)
        except (OSError, ValueError) as error:  # no memory, process, descriptor or interpreter
            raise ProcessNotStarted(str(error)) from error
        self._child_end.close()
        with self._lock:
            self._process = process
        if self._killed:  # whoever did it may have seen no process
            raise ChildGone
        with suppress(AttributeError, OSError):  # Linux alone, and not in every sandbox
            self._pidfd = os.pidfd_open(process.pid)
        try:
            self.next_frame(time.monotonic() + START_SECONDS)
        except ChildTimeout:
            raise ProcessNotStarted(f"it was not there after {START_SECONDS:g} s") from None
        except ChildGone:
            if self._killed:
                raise
            raise ProcessNotStarted("it ended before it was there") from None

    def send(self, kind: Kind, body: bytes, until: float) -> None:
        """Sends a frame. Raises ChildGone, and ChildTimeout when it is not taken before `until` (time.monotonic)."""
        for part in pack(kind, body):
            rest = memoryview(part)
            while rest:
                self._wait_ready(select.POLLOUT, until)
                try:
                    rest = rest[self._line.send(rest[:CHUNK_BYTES]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    raise ChildGone from None

    def next_frame(self, until: float | None = None) -> Frame:
        """The next frame. Raises ChildTimeout at `until` (time.monotonic), and ChildGone after the last whole frame."""
        while (frame := self._frames.frame()) is None:
            try:
                self._wait_ready(select.POLLIN, until)
            except ChildGone:
                self._read_rest()
                if (frame := self._frames.frame()) is not None:
                    return frame
                raise
            self._read()
        return frame

    def wait_idle(self, until: float) -> bool:
        """Waits, without a call, for wake(); False when `until` (time.monotonic) came first. Raises ChildGone."""
        try:
            self._wait_ready(select.POLLIN, until, also_wake=True)
        except ChildTimeout:
            return False
        if self._killed or self._has_input():
            raise ChildGone
        return True

    def wake(self) -> None:
        """Wakes the thread that is in wait_idle()."""
        with suppress(OSError):  # full: it is awake already; closed: nobody is there
            self._wake_out.send(b"!")

    def kill(self) -> None:
        """Ends it by SIGKILL, also while it starts; from any thread. What it has sent is still read."""
        self._killed = True
        self._send_kill()
        self.wake()

    def close(self) -> None:
        """Ends it, by SIGKILL unless it is exiting by itself, reaps it, and closes every descriptor."""
        if self._is_broken:  # how it ended says more than our signal would
            self._wait_for_exit(EXIT_SECONDS)
        self._send_kill()
        self._wait_for_exit()
        for line in (self._line, self._child_end, self._wake_in, self._wake_out):
            line.close()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _wait_ready(self, event: int, until: float | None, *, also_wake: bool = False) -> None:
        """Returns when the line is ready for `event`, or, where `also_wake`, somebody called wake()."""
        poll = select.poll()
        poll.register(self._line, event)
        poll.register(self._wake_in, select.POLLIN)
        if self._pidfd is not None:
            poll.register(self._pidfd, select.POLLIN)
        while not self._killed:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise ChildTimeout
            ready = {number for number, _ in poll.poll(self._poll_ms(left))}
            if self._line.fileno() in ready:
                return
            if self._wake_in.fileno() in ready:
                self._wake_in.recv(CHUNK_BYTES)
                if also_wake:
                    return
            if self._has_ended():  # whoever it started may hold its end of the line
                raise ChildGone
        self._wait_for_exit()
        raise ChildGone

    def _send_kill(self) -> None:
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(self._process.pid, signal.SIGKILL)

    def _poll_ms(self, left: float | None) -> float | None:
        """Milliseconds to wait at most."""
        seconds = left if self._pidfd is not None else min(POLL_SECONDS, POLL_SECONDS if left is None else left)
        return None if seconds is None else seconds * 1000 + 1

    def _wait_for_exit(self, seconds: float = math.inf) -> None:
        """Returns once it was reaped, or so many seconds later."""
        until = time.monotonic() + seconds
        while self._process is not None and not self._has_ended() and time.monotonic() < until:
            if self._pidfd is None:
                time.sleep(0.005)
            else:
                poll = select.poll()
                poll.register(self._pidfd, select.POLLIN)
                poll.poll(POLL_SECONDS * 1000)

    def _has_ended(self) -> bool:
        """Reaps it if it has; under the lock, for its number may be another's afterwards."""
        assert self._process is not None
        with self._lock:
            return self._process.poll() is not None

    def _read(self) -> None:
        try:
            data = self._line.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._is_broken = True
            raise ChildGone
        self._frames.feed(data)

    def _read_rest(self) -> None:
        with suppress(OSError):
            while data := self._line.recv(CHUNK_BYTES):
                self._frames.feed(data)

    def _has_input(self) -> bool:
        """Whether there is something to read, where nothing was asked: it ended, or talks nonsense."""
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        return bool(poll.poll(0))


def _open_sockets() -> tuple[socket.socket, ...]:
    """Two pairs, of which the child's end alone blocks. Raises OSError."""
    line, child_end = socket.socketpair()
    try:
        wake_in, wake_out = socket.socketpair()
    except OSError:
        line.close()
        child_end.close()
        raise
    for ours in (line, wake_in, wake_out):
        ours.setblocking(False)
    return line, child_end, wake_in, wake_out


def _spawn(child_end: socket.socket) -> subprocess.Popen[bytes]:
    number = child_end.fileno()
    arguments = [str(number), str(os.getpid()), _main_program(), *map(str, sys.path)]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM.format(ARGUMENTS), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(number,),
    )


def _main_program() -> str:
    """What this process was started with, for functions that are defined there.

    The child knows it by another name, lest it starts the program again (as multiprocessing does).
    """
    main = sys.modules["__main__"]
    sys.modules.setdefault("__mp_main__", main)
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return f"module:{spec.name}"
    path = getattr(main, "__file__", None)
    return f"path:{os.path.abspath(path)}" if path and os.path.isfile(path) else ""  # noqa: PTH100, PTH113 - str
