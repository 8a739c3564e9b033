"""Everything that can be asked of a record, and the two answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cqworker.field_docs import document_fields
from cqworker.model.attempt_writes import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import HandOver, Reschedule

Change = (
    Enter
    | Claim
    | Reopen
    | Renew
    | Settle
    | HandBack
    | Forestall
    | AskCancel
    | NewRound
    | Lose
    | HandOver
    | Reschedule
    | Reprioritise
)


@dataclass(frozen=True, slots=True)
class Written:
    """The change was applied; `record` is what it left behind."""

    record: JobRecord


class LazyWritten(Written):
    """A Written whose record is made by `read` when somebody asks for it: few endings are looked at."""

    __slots__ = ("_read",)
    _read: Callable[[], JobRecord]

    def __init__(self, read: Callable[[], JobRecord]) -> None:
        object.__setattr__(self, "_read", read)

    @property
    def record(self) -> JobRecord:
        """What the change left behind. Raises what reading it raises."""
        return self._read()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Written) and self.record == other.record

    __hash__ = None  # type: ignore[assignment]


@document_fields(
    seen="The record that stood there; None: there was none.",
)
@dataclass(frozen=True, slots=True)
class Refused:
    """The condition did not hold; `seen` is the record that stood there, None if there was none."""

    seen: JobRecord | None
