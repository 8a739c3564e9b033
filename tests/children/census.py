"""Counts what children leave behind, and functions for children to run."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cqworker.children.frames import Kind, packed
from tests.patience import Patience


def descriptors() -> set[str]:
    """The open descriptors of this process."""
    return {entry.name for entry in Path("/dev/fd").iterdir()}


def offspring() -> set[int]:
    """The processes that this one has started and not reaped, zombies included."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found


def is_there(pid: int) -> bool:
    """Whether there is such a process, if only one that nobody waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(holds: Callable[[], object], seconds: float = 20) -> None:
    """Returns once it holds; for what happens in other processes."""
    waiting = Patience(seconds)
    while not holds():
        assert not waiting.is_over, "waited in vain"
        time.sleep(0.01)


def tell_and_sleep(path: str) -> None:
    """Says which process runs it, and stays there."""
    Path(path).write_text(f"{os.getpid()}.", encoding="ascii")
    time.sleep(600)


def told(path: Path) -> int:
    """The process that tell_and_sleep() runs in, once it does."""
    wait_for(lambda: path.exists() and path.read_text(encoding="ascii").endswith("."))
    return int(path.read_text(encoding="ascii").removesuffix("."))


def pid_after(seconds: float) -> int:
    """The process it ran in, after a while."""
    time.sleep(seconds)
    return os.getpid()


class Odd(Exception):
    """An exception that can be pickled and not be made again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def be_odd() -> None:
    """Raises it."""
    raise Odd("one", "two")


def half_an_answer(path: str) -> None:
    """Sends one as if it had come to its end, but for the last bytes, and stays."""
    [line] = [number for number in range(3, 30) if _is_socket(number)]
    head, body = packed(Kind.VALUE, b"x" * 100)
    os.write(line, head + body[:-1])
    tell_and_sleep(path)


def _is_socket(number: int) -> bool:
    try:
        return str(Path(f"/proc/self/fd/{number}").readlink()).startswith("socket:")
    except OSError:
        return False


def leave_a_word(path: str) -> str:
    """Sends its answer before there is a file: the line keeps what is sent in order."""
    threading.Thread(target=_after_the_answer, args=(path,), daemon=True).start()
    return "done"


def _after_the_answer(path: str) -> None:
    main = threading.main_thread().ident
    assert main is not None
    wait_for(lambda: "_next" in _names(sys._current_frames()[main]))
    Path(path).touch()


def _names(frame: object) -> list[str]:
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)  # type: ignore[attr-defined]
        frame = frame.f_back  # type: ignore[attr-defined]
    return names
