"""Tunes the cyclic garbage collector for a daemon: what exists when it is ready stays for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GC_THRESHOLDS = (20_000, 10, 5)
"""Containers made and not yet gone that start a young collection, and how many of these start an older one (gc).

A job that ends well leaves no cycles, so there is little to collect, and Python's own 700 would look at what is in use
again and again: ten messages or answers in one request are a thousand containers. What failures leave behind must not
pile up for hours all the same.
"""


@contextmanager
def collect_rarely() -> Iterator[None]:
    """While this lasts, what exists now is never looked at again (gc.freeze), and the rest less often."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
