"""How a handler's run can end, before anything is written about it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from cqworker.errors import PayloadFault


class StopReason(StrEnum):
    """Why a handler was told to stop."""

    TIMEOUT = "timeout"
    CANCEL = "cancel"
    DRAIN = "drain"
    LOST = "lost lease"
    """Refused: another attempt or ending stands in the record."""
    SILENCE = "unanswered lease"
    """No renewal was answered before the lease's own deadline; whose the record is now is not known."""


class Returned(Struct, frozen=True):
    """It returned; `result` is JSON text, `late` the seconds from its timeout to its end."""

    result: str
    late: float = 0.0


class Raised(Struct, frozen=True):
    """It raised: the exception's type, its text and where; `final`: every other attempt would raise it, too."""

    error: str
    message: str
    traceback: str | None = None
    stage: str = "handler"
    final: bool = False


class Hindered(Struct, frozen=True):
    """A service that it needed was away; `raised` is what that counts as once its 24 h are over."""

    reason: str
    raised: Raised


class Died(Struct, frozen=True):
    """The process that it ran in ended under it."""

    message: str


class AskedRetry(Struct, frozen=True):
    """It raised Retry; `after` in seconds, None for the usual backoff."""

    reason: str
    after: float | None


class AskedSnooze(Struct, frozen=True):
    """It raised Snooze; `after` in seconds."""

    reason: str
    after: float


class AskedReject(Struct, frozen=True):
    """It raised Reject."""

    reason: str


class PayloadRefused(Struct, frozen=True):
    """The payload did not fit the model, so the handler was not called."""

    faults: tuple[PayloadFault, ...]


class Stopped(Struct, frozen=True):
    """It was told to stop and did not finish, or `abandoned`: it had not ended when its grace was over.

    `note` is how it ended, in words; `raised` the error among these, `after` the seconds it asked to be left alone.
    """

    reason: StopReason
    abandoned: bool = False
    note: str = ""
    raised: Raised | None = None
    after: float | None = None
    returned: bool = False


class NeverStarted(Struct, frozen=True):
    """Something outside the job kept it from starting, so the attempt is refunded."""

    reason: str
    delay: float


class UnknownTypeMet(Struct, frozen=True):
    """No handler here has this type; another worker, or a later version, may."""

    reason: str = "unknown type"


class Interrupted(Struct, frozen=True):
    """It let itself be stopped by this exception; why it was stopped is for HandlerRun to say. Not an outcome yet."""

    error: str = "CancelledError"


Outcome = (
    Returned
    | Raised
    | Hindered
    | Died
    | AskedRetry
    | AskedSnooze
    | AskedReject
    | PayloadRefused
    | Stopped
    | NeverStarted
    | UnknownTypeMet
)


class Ended(Struct, frozen=True):
    """How a handler on the loop or in a thread ended, which stop it had `seen`, whether its result is `finished`."""

    outcome: Outcome | Interrupted
    seen: StopReason | None = None
    finished: bool = False
