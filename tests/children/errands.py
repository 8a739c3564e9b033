"""Functions for children to run, in a module that costs them little to import."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time

from cqworker.children.frames import Kind, pack


def tell_and_sleep(path: str) -> None:
    """Says which process runs it, and stays there."""
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 - a child imports little
        file.write(f"{os.getpid()}.")
    time.sleep(600)


def spin() -> None:
    """Takes processor time until it is ended."""
    while True:
        pass


def limits() -> list[tuple[int, int]]:
    """What its process may take."""
    return [resource.getrlimit(what) for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]


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
    head, body = pack(Kind.VALUE, b"x" * 100)
    os.write(line, head + body[:-1])
    tell_and_sleep(path)


def _is_socket(number: int) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{number}").startswith("socket:")  # noqa: PTH115 - a child imports little
    except OSError:
        return False


def leave_a_word(path: str) -> str:
    """Sends its answer before there is a file: the line keeps what is sent in order."""
    threading.Thread(target=_after_the_answer, args=(path,), daemon=True).start()
    return "done"


def _after_the_answer(path: str) -> None:
    main = threading.main_thread().ident
    assert main is not None
    while "_receive" not in _names(sys._current_frames()[main]):
        time.sleep(0.01)
    open(path, "w", encoding="ascii").close()  # noqa: PTH123 - a child imports little


def _names(frame: object) -> list[str]:
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)  # type: ignore[attr-defined]
        frame = frame.f_back  # type: ignore[attr-defined]
    return names
