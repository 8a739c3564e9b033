"""What becomes of a message once the worker is done with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delete:
    """It has nothing left to say."""


@dataclass(frozen=True, slots=True)
class Hide:
    """It comes again after so many seconds; 0 gives it back at once."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Leave:
    """It is not ours to touch: its visibility timeout runs out by itself."""


LettingGo = Delete | Hide | Leave
