"""The standard streams of a handler's process, which are not those its worker talks to it over."""

from __future__ import annotations

import io
import os
import sys
from functools import cache
from typing import TextIO


@cache
def keep_streams_apart() -> None:
    """Moves the pipes to the worker away from 0 and 1; there, and on 2, is nothing to read and nobody to read it.

    What native code prints, or a program that the handler starts, would be taken for an answer; what such a program
    reads would be the next call; and nobody empties the pipe on 2. Each call after the first changes nothing.
    """
    _move(sys.__stdin__, "rb")
    _move(sys.__stdout__, "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)


def _move(stream: TextIO | None, mode: str) -> None:
    """The same file object on another descriptor: anyio has held on to it since before there was a first call."""
    assert stream is not None
    raw = getattr(stream.buffer, "raw", stream.buffer)  # unbuffered output has no layer above its file
    assert isinstance(raw, io.FileIO)
    io.FileIO.__init__(raw, os.dup(raw.fileno()), mode, closefd=False)
