"""What becomes of a message once the worker is done with it; flow/acknowledger.py carries it out."""

from __future__ import annotations

from msgspec import Struct


class Delete(Struct, frozen=True):
    """It has done its duty: its job is final, or has another message."""


class Hide(Struct, frozen=True):
    """It comes again after so many `seconds`; 0 gives it back at once."""

    seconds: float


class Leave(Struct, frozen=True):
    """It is not ours to touch: its visibility timeout runs out by itself."""


Disposition = Delete | Hide | Leave
