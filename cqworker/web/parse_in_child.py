"""Parses a body in a child process, within bounds of memory and processor time; imports nothing of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TypeVar

from cqworker.children.resource_limits import limit_cpu, limit_memory
from cqworker.jobs.intake import FindHandler, Sender
from cqworker.plugins.loaded_handlers import Handler
from cqworker.plugins.process_call import load_handler

MEMORY_MIB = 512
"""MiB for parsing one body: plenty for a good one; to find all that may be wrong with a megabyte would take more."""

Result = TypeVar("Result")
Reader = Callable[[bytes, Sender, FindHandler], Result]


class _NotLoaded(Exception):
    """The body names a type that a search for its bytes did not find: JSON can escape every letter."""


def read_in_child(
    read: Reader[Result], body: bytes, sender: Sender, origins: Mapping[str, str], seconds: float
) -> Result:
    """What `read` returns or raises. Importing a handler, which may take much, is no part of what a body may take."""
    names = {name for name in origins if name.encode() in body}
    try:
        return _read_within_bounds(partial(read, body, sender), names, origins, seconds)
    except _NotLoaded:
        return _read_within_bounds(partial(read, body, sender), set(origins), origins, seconds)


def _read_within_bounds(
    read: Callable[[FindHandler], Result], names: set[str], origins: Mapping[str, str], seconds: float
) -> Result:
    handlers = {name: _load_handler(origins[name], name) for name in names}

    def find(name: str) -> Handler | None:
        if name in origins and name not in handlers:
            raise _NotLoaded
        return handlers.get(name)

    with limit_memory(MEMORY_MIB), limit_cpu(seconds):
        return read(find)


@cache
def _load_handler(origin: str, name: str) -> Handler | None:
    """None where only the worker itself has the module, or not at all: then the payload is checked there."""
    try:
        return load_handler(origin, name)
    except BaseException:  # noqa: BLE001 - importing runs code of the plugin's, SystemExit included
        return None
