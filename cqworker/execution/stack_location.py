"""Where a thread is at the moment: the line of code that has to be looked at."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import FrameType

STANDARD_LIBRARY = str(Path(asyncio.__file__).parents[1]) + os.sep
"""The folder of the standard library."""
INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders that many systems have below the standard library's own."""


def location_of(thread: int | None, keeper: str) -> str:
    """`file:line` of the thread's innermost frame outside the standard library; "" where it stands in `keeper`'s own.

    `keeper` is the file of the loop that runs there: a thread that is no deeper in waits for work.
    """
    if thread is None:
        return ""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - documented in `sys`, and the only way to ask
    while frame is not None and _is_standard(frame):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename == keeper:
        return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_standard(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    if path.startswith("<frozen "):
        return True
    return path.startswith(STANDARD_LIBRARY) and INSTALLED.isdisjoint(Path(path).parts)
