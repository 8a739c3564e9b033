"""The child's side: it says that it is there, and runs one call after the other until its line breaks."""

from __future__ import annotations

import os
import pickle
import runpy
import signal
import socket
import sys
import traceback
from types import ModuleType
from typing import Any

from cqworker.children.frames import CHUNK, Frame, Kind, Unpacker, packed
from cqworker.children.parent_death import end_with
from cqworker.children.resource_limits import bounded_cpu, bounded_memory, go_first


class _MainOfParent(ModuleType):
    """What the parent was started with, run under another name once somebody asks for what it defines."""

    def __init__(self, told: str) -> None:
        super().__init__("__main__")
        self._told = told

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "__mp_main__" in sys.modules or not self._told:
            raise AttributeError(name)
        kind, _, place = self._told.partition(":")
        self.__dict__.update((runpy.run_module if kind == "module" else runpy.run_path)(place, run_name="__mp_main__"))
        sys.modules["__mp_main__"] = self
        return getattr(self, name)


def serve(number: int, parent: int, main: str) -> None:
    """Runs what comes over the socket with this number; `main` is the program that `parent` was started with."""
    sys.argv[:] = ["cqworker-child"]
    sys.modules["__main__"] = _MainOfParent(main)
    os.set_inheritable(number, False)
    end_with(parent, number)
    leave_signals_to_the_worker()
    go_first()
    with socket.socket(fileno=number) as line:
        unpacker = Unpacker()
        _say(line, Kind.READY)
        while (call := _next(line, unpacker)) is not None:
            _answer(line, call.body)


def _answer(line: socket.socket, request: bytes) -> None:
    """Its time begins when what it needs of ours was imported; SystemExit is not caught: such a function ends this."""
    try:
        function, args, memory, cpu_time = pickle.loads(request)  # noqa: S301 - from the process that started this one
    except Exception as error:  # noqa: BLE001 - what is unpickled is the author's
        _say(line, Kind.BEGUN)
        _say(line, Kind.ERROR, _portable(error))
        return
    _say(line, Kind.BEGUN)
    try:
        with bounded_memory(memory), bounded_cpu(cpu_time):
            outcome = Kind.VALUE, pickle.dumps(function(*args), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - whatever it raises is raised where it was called from
        outcome = Kind.ERROR, _portable(error)
    _say(line, *outcome)


def leave_signals_to_the_worker() -> None:
    """What a terminal or a supervisor sends to the whole group is the worker's to act on: it ends this by SIGKILL."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _let_pass)


def _let_pass(_number: int, _frame: object) -> None:
    """Not SIG_IGN, which programs that the handler starts would inherit: it could not terminate them."""


def _say(line: socket.socket, kind: Kind, body: bytes = b"") -> None:
    for part in packed(kind, body):
        line.sendall(part)


def _next(line: socket.socket, unpacker: Unpacker) -> Frame | None:
    while (frame := unpacker.frame()) is None:
        data = line.recv(CHUNK)
        if not data:
            return None
        unpacker.feed(data)
    return frame


def _portable(error: Exception) -> bytes:
    """The exception with its traceback as a note; where it cannot travel, a RuntimeError that names it."""
    where = error.__traceback__
    while where is not None and where.tb_frame.f_code.co_filename == __file__:
        where = where.tb_next
    note = f"In its process:\n{''.join(traceback.format_exception(type(error), error, where))}"
    try:
        error.add_note(note)
        pickled = pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
        pickle.loads(pickled)  # noqa: S301 - our own: many exceptions can be pickled, and never made again
    except Exception:  # noqa: BLE001 - __reduce__ and __init__ belong to the author
        stand_in = RuntimeError(traceback.format_exception_only(error)[-1].strip())
        stand_in.add_note(note)
        return pickle.dumps(stand_in, pickle.HIGHEST_PROTOCOL)
    return pickled
