"""How a handler's run can end, before anything is written about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cqworker.errors import PayloadFault


class StopReason(StrEnum):
    """Why a handler was told to stop."""

    TIMEOUT = "timeout"
    CANCEL = "cancel"
    DRAIN = "drain"
    LOST = "lost lease"


@dataclass(frozen=True, slots=True)
class Returned:
    """It returned; `result` is JSON text."""

    result: str


@dataclass(frozen=True, slots=True)
class Raised:
    """It raised: the exception's type, its text and where."""

    error: str
    message: str
    traceback: str | None = None
    stage: str = "handler"


@dataclass(frozen=True, slots=True)
class Died:
    """The process that it ran in ended under it."""

    message: str


@dataclass(frozen=True, slots=True)
class AskedRetry:
    """It raised Retry; `after` in seconds, None for the usual backoff."""

    reason: str
    after: float | None


@dataclass(frozen=True, slots=True)
class AskedReject:
    """It raised Reject."""

    reason: str


@dataclass(frozen=True, slots=True)
class PayloadRefused:
    """The payload did not fit the model, so the handler was not called."""

    faults: tuple[PayloadFault, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """It was told to stop and did, or `abandoned`: it had not ended when its grace was over."""

    reason: StopReason
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """Something outside the job kept it from starting, so the attempt is refunded."""

    reason: str
    delay: float


@dataclass(frozen=True, slots=True)
class UnknownTypeMet:
    """No handler here has this type; another worker, or a later version, may."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """It was cancelled; what for is known to whoever told it to stop. Not an outcome yet."""


Outcome = Returned | Raised | Died | AskedRetry | AskedReject | PayloadRefused | Stopped | NeverStarted | UnknownTypeMet
