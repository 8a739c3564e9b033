"""The child's program: it says that it is ready, and runs one call after the other until its line breaks."""

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

from cqworker.children.frames import CHUNK_BYTES, Frame, FrameReader, Kind, pack
from cqworker.children.parent_death import die_with_parent
from cqworker.children.resource_limits import limit_cpu, limit_memory, prefer_for_oom_kill


class _ParentMain(ModuleType):
    """What the parent was started with, run under another name once somebody asks for what it defines."""

    def __init__(self, program: str) -> None:
        super().__init__("__main__")
        self._program = program
        self._is_loaded = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self._is_loaded or not self._program:
            raise AttributeError(name)
        kind, _, place = self._program.partition(":")
        self.__dict__.update((runpy.run_module if kind == "module" else runpy.run_path)(place, run_name="__mp_main__"))
        sys.modules["__mp_main__"] = self
        self._is_loaded = True
        return getattr(self, name)


def serve(number: int, parent: int, main: str) -> None:
    """Runs what comes over the socket with this number; `main` is the program that `parent` was started with."""
    sys.argv[:] = ["cqworker-child"]
    sys.modules["__main__"] = _ParentMain(main)
    os.set_inheritable(number, False)
    die_with_parent(parent, number)
    ignore_signals()
    prefer_for_oom_kill()
    with socket.socket(fileno=number) as line:
        frames = FrameReader()
        _send(line, Kind.READY)
        while (call := _receive(line, frames)) is not None:
            _run_call(line, call.body)


def _run_call(line: socket.socket, request: bytes) -> None:
    """Its time begins when what it needs of ours was imported; SystemExit is not caught: such a function ends this."""
    try:
        function, args, memory, cpu_time = pickle.loads(request)  # noqa: S301 - from the process that started this one
    except Exception as error:  # noqa: BLE001 - what is unpickled is the author's
        _send(line, Kind.BEGUN)
        _send(line, Kind.ERROR, _pickle_error(error))
        return
    _send(line, Kind.BEGUN)
    try:
        with limit_memory(memory), limit_cpu(cpu_time):
            outcome = Kind.VALUE, pickle.dumps(function(*args), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - whatever it raises is raised where it was called from
        outcome = Kind.ERROR, _pickle_error(error)
    _send(line, *outcome)


def ignore_signals() -> None:
    """What a terminal or a supervisor sends to the whole group is the worker's to act on: it ends this by SIGKILL."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _do_nothing)


def _do_nothing(_number: int, _frame: object) -> None:
    """Not SIG_IGN, which programs that the handler starts would inherit: it could not terminate them."""


def _send(line: socket.socket, kind: Kind, body: bytes = b"") -> None:
    for part in pack(kind, body):
        line.sendall(part)


def _receive(line: socket.socket, frames: FrameReader) -> Frame | None:
    while (frame := frames.frame()) is None:
        data = line.recv(CHUNK_BYTES)
        if not data:
            return None
        frames.feed(data)
    return frame


def _pickle_error(error: Exception) -> bytes:
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
