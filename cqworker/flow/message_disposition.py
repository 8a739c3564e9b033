"""What becomes of a message once the worker is done with it."""

from __future__ import annotations

from msgspec import Struct


class Delete(Struct, frozen=True):
    """It has nothing left to say."""


class Hide(Struct, frozen=True):
    """It comes again after so many seconds; 0 gives it back at once."""

    seconds: float


class Leave(Struct, frozen=True):
    """It is not ours to touch: its visibility timeout runs out by itself."""


LettingGo = Delete | Hide | Leave
