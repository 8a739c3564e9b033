"""Decoders that misbehave, in a module that costs a child little to import."""

from __future__ import annotations

import os
import time

from cqworker import Reject


def die(data: bytes, *_bounds: int) -> None:
    os._exit(1)


def spin(data: bytes, *_bounds: int) -> None:
    while True:
        pass


def score(data: bytes, *_bounds: int) -> None:
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:  # noqa: PTH123 - a child imports little
        raise Reject(file.read().strip())


def hang(data: bytes, *_bounds: int) -> None:
    """Says in the file that `data` names which process it hangs in."""
    with open(data, "w", encoding="ascii") as file:  # noqa: PTH123 - a child imports little
        file.write(f"{os.getpid()}.")
    time.sleep(600)
