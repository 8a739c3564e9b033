"""The composition root and the daemon's life: open, ready, quiet, drain, close."""

from __future__ import annotations

from cqworker.daemon.lifecycle import run
from cqworker.daemon.standalone import Counter, counter

__all__ = ["Counter", "counter", "run"]
