"""The ports in memory, a virtual clock, and run_handler(): for handler authors and for our own tests."""

from __future__ import annotations

from cqworker.errors import InvalidPayload
from cqworker.testing.handlers import HandlerRun, run_handler
from cqworker.testing.ports import MemoryArtifacts, MemoryQueue, MemoryStore
from cqworker.testing.time import VirtualClock, VirtualTimeLoop, run_virtually

__all__ = [
    "HandlerRun",
    "InvalidPayload",
    "MemoryArtifacts",
    "MemoryQueue",
    "MemoryStore",
    "VirtualClock",
    "VirtualTimeLoop",
    "run_handler",
    "run_virtually",
]
