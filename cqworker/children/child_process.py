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

from cqworker.children.frames import CHUNK, Frame, Kind, Unpacker, packed
from cqworker.errors import ProcessNotStarted
from cqworker.posix import CHILDREN_NEED_POSIX, is_posix

PATIENCE = 60.0
"""Seconds for a new child to say that it is there, which takes it a tenth of one."""
LEAVING = 1.0
"""Seconds for a child that has closed its line to end by itself."""
TICK = 0.5
"""Seconds between two looks at whether a child has ended, where the system cannot tell of it by a descriptor."""
PROGRAM = "import sys; sys.path[:] = sys.argv[4:]; from cqworker.children.child_main import serve; serve({})"
"""A fresh interpreter, never a fork: it inherits no lock and no thread. It finds what this process finds."""
ARGUMENTS = "int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]"


class Gone(Exception):
    """The child has ended, and had not said any more."""


class Overdue(Exception):
    """Nothing was said in time."""


class ChildProcess:
    """A process that runs calls. One thread uses it, any may kill it; that one must close it.

    That thread must be the one that starts it, for on Linux the child ends with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._is_broken = False
        self._line, self._far_end, self._bell_in, self._bell_out = _lines()
        self._exit: int | None = None
        self._unpacker = Unpacker()

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
    def end(self) -> str:
        """How it ended, in words; known once it was closed."""
        code = None if self._process is None else self._process.returncode
        if self.signal is None:
            return f"exit code {code}"
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"

    def start(self) -> None:
        """Starts it and waits until it is there. Raises ProcessNotStarted, and Gone when it was killed meanwhile."""
        if self._killed:
            raise Gone
        if not is_posix():
            raise ProcessNotStarted(CHILDREN_NEED_POSIX)
        try:
            process = _spawned(self._far_end)
        except (OSError, ValueError) as error:  # no memory, process, descriptor or interpreter
            raise ProcessNotStarted(str(error)) from error
        self._far_end.close()
        with self._lock:
            self._process = process
        if self._killed:  # whoever did it may have seen no process
            raise Gone
        with suppress(AttributeError, OSError):  # Linux alone, and not in every sandbox
            self._exit = os.pidfd_open(process.pid)
        try:
            self.next_frame(time.monotonic() + PATIENCE)
        except Overdue:
            raise ProcessNotStarted(f"it was not there after {PATIENCE:g} s") from None
        except Gone:
            if self._killed:
                raise
            raise ProcessNotStarted("it ended before it was there") from None

    def send(self, kind: Kind, body: bytes, until: float) -> None:
        """Sends a frame. Raises Gone, and Overdue when it does not take it before `until`."""
        for part in packed(kind, body):
            rest = memoryview(part)
            while rest:
                self._await(select.POLLOUT, until)
                try:
                    rest = rest[self._line.send(rest[:CHUNK]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    raise Gone from None

    def next_frame(self, until: float | None = None) -> Frame:
        """What it says next; raises Gone, after the last whole frame that it left, and Overdue (time.monotonic)."""
        while (frame := self._unpacker.frame()) is None:
            try:
                self._await(select.POLLIN, until)
            except Gone:
                self._read_what_is_left()
                if (frame := self._unpacker.frame()) is not None:
                    return frame
                raise
            self._read()
        return frame

    def rest(self, until: float) -> bool:
        """Waits, with nothing to do, for ring(); False when `until` came first. Raises Gone."""
        try:
            self._await(select.POLLIN, until, bell=True)
        except Overdue:
            return False
        if self._killed or self._line_is_broken():
            raise Gone
        return True

    def ring(self) -> None:
        """Wakes the thread that is in rest()."""
        with suppress(OSError):  # full: it is awake already; closed: nobody is there
            self._bell_out.send(b"!")

    def kill(self) -> None:
        """Ends it by SIGKILL, also while it starts; from any thread. What it has sent is still read."""
        self._killed = True
        self._end()
        self.ring()

    def close(self) -> None:
        """Sees it off, by SIGKILL unless it is leaving by itself, reaps it, and gives back every descriptor."""
        if self._is_broken:  # how it ended says more than our signal would
            self._until_it_has_ended(LEAVING)
        self._end()
        self._until_it_has_ended()
        for line in (self._line, self._far_end, self._bell_in, self._bell_out):
            line.close()
        if self._exit is not None:
            os.close(self._exit)

    def _await(self, event: int, until: float | None, *, bell: bool = False) -> None:
        """Returns when the line is ready for `event`, or somebody rang the bell where that is asked for."""
        poll = select.poll()
        poll.register(self._line, event)
        poll.register(self._bell_in, select.POLLIN)
        if self._exit is not None:
            poll.register(self._exit, select.POLLIN)
        while not self._killed:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise Overdue
            ready = {number for number, _ in poll.poll(self._step(left))}
            if self._line.fileno() in ready:
                return
            if self._bell_in.fileno() in ready:
                self._bell_in.recv(CHUNK)
                if bell:
                    return
            if self._has_ended():  # whoever it started may hold its end of the line
                raise Gone
        self._until_it_has_ended()
        raise Gone

    def _end(self) -> None:
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(self._process.pid, signal.SIGKILL)

    def _step(self, left: float | None) -> float | None:
        """Milliseconds to wait at most."""
        seconds = left if self._exit is not None else min(TICK, TICK if left is None else left)
        return None if seconds is None else seconds * 1000 + 1

    def _until_it_has_ended(self, seconds: float = math.inf) -> None:
        """Returns once it was reaped, or so many seconds later."""
        until = time.monotonic() + seconds
        while self._process is not None and not self._has_ended() and time.monotonic() < until:
            if self._exit is None:
                time.sleep(0.005)
            else:
                poll = select.poll()
                poll.register(self._exit, select.POLLIN)
                poll.poll(TICK * 1000)

    def _has_ended(self) -> bool:
        """Reaps it if it has; under the lock, for its number may be another's afterwards."""
        assert self._process is not None
        with self._lock:
            return self._process.poll() is not None

    def _read(self) -> None:
        try:
            data = self._line.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._is_broken = True
            raise Gone
        self._unpacker.feed(data)

    def _read_what_is_left(self) -> None:
        with suppress(OSError):
            while data := self._line.recv(CHUNK):
                self._unpacker.feed(data)

    def _line_is_broken(self) -> bool:
        """Whether there is something to read, where nothing was asked: it ended, or talks nonsense."""
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        return bool(poll.poll(0))


def _lines() -> tuple[socket.socket, ...]:
    """Two pairs, of which the child's end alone blocks. Raises OSError."""
    line, far_end = socket.socketpair()
    try:
        bell_in, bell_out = socket.socketpair()
    except OSError:
        line.close()
        far_end.close()
        raise
    for ours in (line, bell_in, bell_out):
        ours.setblocking(False)
    return line, far_end, bell_in, bell_out


def _spawned(far_end: socket.socket) -> subprocess.Popen[bytes]:
    number = far_end.fileno()
    arguments = [str(number), str(os.getpid()), _main(), *map(str, sys.path)]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM.format(ARGUMENTS), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(number,),
    )


def _main() -> str:
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
