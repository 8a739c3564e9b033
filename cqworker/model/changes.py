"""Everything that can be asked of a record, and the two answers."""

from __future__ import annotations

from dataclasses import dataclass

from cqworker.model.attempts import Claim, HandBack, Renew, Reopen, Settle
from cqworker.model.interventions import AskCancel, Enter, Forestall, Lose, NewRound
from cqworker.model.record import JobRecord

Change = Enter | Claim | Reopen | Renew | Settle | HandBack | Forestall | AskCancel | NewRound | Lose


@dataclass(frozen=True, slots=True)
class Written:
    """The change was applied; `record` is what it left behind."""

    record: JobRecord


@dataclass(frozen=True, slots=True)
class Refused:
    """The condition did not hold; `seen` is the record that stood there, None if there was none."""

    seen: JobRecord | None
