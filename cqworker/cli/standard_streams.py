"""Descriptors 0, 1 and 2, before anything else is opened."""

from __future__ import annotations

import os
import sys


def open_closed_streams() -> None:
    """Opens the closed ones of them on /dev/null (`cqworker run >&-`).

    Else the first socket or log would get such a number, and output to the standard streams would go there.
    """
    streams = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
    for number, (name, mode) in enumerate(streams):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free: this one
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
