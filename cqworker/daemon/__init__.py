"""The composition root and the daemon's life: open, ready, quiet, drain, close."""

from __future__ import annotations

from cqworker.daemon.counter import Counter, counter
from cqworker.daemon.life import run

__all__ = ["Counter", "counter", "run"]
