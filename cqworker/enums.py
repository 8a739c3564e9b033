"""Closed sets of words that several rooms use: each is defined here once."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Literal, get_args


class Role(StrEnum):
    """What a process of cqworker does."""

    WORKER = "worker"
    API = "api"


ROLES = frozenset(Role)
"""All of them."""


class ExitCode(IntEnum):
    """How a command ended (sysexits.h: EX_USAGE, EX_SOFTWARE, EX_CONFIG).

    A supervisor must not start the same again after USAGE and CONFIGURATION: it would fail alike.
    """

    DONE = 0
    FAILED = 1
    USAGE = 64
    INTERNAL = 70
    """An error that no rule foresaw; of a daemon: its handlers are stuck (execution/stuck_handlers.py)."""
    CONFIGURATION = 78


Executor = Literal["loop", "thread", "process"]
"""Where a handler runs."""

Level = Literal["debug", "info", "warning", "error"]
"""How grave a line of the log is."""
LEVELS: tuple[Level, ...] = get_args(Level)
"""The levels, the least grave first."""

Scope = Literal["submit", "read", "operate"]
"""What the bearer of a token may do."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""All scopes."""

Phase = Literal["ready", "draining", "stopped"]
"""The phases of a daemon's life."""

ReceiptAction = Literal["delete", "change_visibility", "refresh"]
"""What is done with a message, or in its place."""


class UniqueScope(StrEnum):
    """How long a job keeps others with its unique key from being made."""

    UNTIL_FINISHED = "until_finished"
    UNTIL_STARTED = "until_started"
    WINDOW = "window"


UniqueScopeName = Literal["until_finished", "until_started", "window"]
"""The scopes, as people write them."""


DuplicateName = Literal["return", "replace", "reject"]
"""What a submission may do that meets a job with its unique key, as people write it."""


class OnDuplicate(StrEnum):
    """What a submission does that meets a job with its unique key."""

    RETURN = "return"
    REPLACE = "replace"
    REJECT = "reject"
