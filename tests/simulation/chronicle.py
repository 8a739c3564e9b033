"""What must hold between two versions of one record, whoever wrote the later one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from cqworker.model.attempt_writes import SOON_MS, Claim, Renew
from cqworker.model.operator_writes import AskCancel, Enter, Forestall, Lose
from cqworker.model.record import JobRecord
from cqworker.model.schedule_writes import HandOver, Reschedule
from cqworker.model.status import Status
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.letters import Letters, differences
from tests.simulation.store_service import Applied

LATE = 900.0
"""Seconds for which a write may have been under way: repeated, frozen with its process, or wandering."""
OPERATORS_TIME = 300.0
"""Seconds in which a cancel that somebody asked for may still be carried out."""


class Chronicle:
    """Follows every record through its life; `retention` in seconds."""

    def __init__(self, accuse: Callable[..., None], letters: Letters, retention: int) -> None:
        self.expired: Mapping[str, JobRecord] = {}
        self.cancels: dict[str, float] = {}
        self._accuse = accuse
        self._letters = letters
        self._retention = retention
        self._asked: set[tuple[str, int]] = set()

    def cancel_asked_for(self, job_id: str, now: float) -> None:
        """Somebody asks for a cancel."""
        self.cancels[job_id] = now

    def applied(self, write: Applied) -> None:
        """A change of a record, just made."""
        before, after = write.before, write.after
        self._judge_age(write)
        self._judge_cancel(write)
        if before is None:
            self._letters.created(after)
            self._judge_return(write)
            return
        replaced = isinstance(write.change, Reschedule) and write.change.payload is not None
        if wrong := differences(before, replace(after, payload=before.payload) if replaced else after):
            self._accuse("what a record is made with was changed:", *wrong, write)
        if after.round < before.round:
            self._accuse("a round was left for an older one:", write)
        elif after.round > before.round:
            self._judge_beginning(write)
        elif isinstance(write.change, Claim) and (before.scheduled_at or 0) > write.change.now + SOON_MS:
            self._accuse("a start before its time:", write)

    def _judge_age(self, write: Applied) -> None:
        """Whatever leaves or ends a job lets its record stay for the whole retention from then on."""
        change = write.change
        if isinstance(change, Renew | AskCancel | HandOver):
            return
        said = change.record.purge_at if isinstance(change, Enter) else change.purge_at
        if write.after.purge_at != said:
            self._accuse("a change did not move the end of its record:", write, write.after.purge_at, said)
        if write.after.purge_at < EPOCH_MS // 1000 + write.at + self._retention - LATE:
            self._accuse("a record that changed is not kept for its whole time:", write, write.after.purge_at)

    def _judge_cancel(self, write: Applied) -> None:
        """CANCELLED takes somebody who asked for it, in this very round."""
        before, after = write.before, write.after
        if isinstance(write.change, AskCancel):
            self._asked.add((after.job_id, after.round))
            if write.change.round != after.round:
                self._accuse("a cancel of another round:", write)
        if after.status is not Status.CANCELLED or (before is not None and before.status is Status.CANCELLED):
            return
        just_now = self.cancels.get(after.job_id, float("-inf")) >= write.at - OPERATORS_TIME
        by_operator = isinstance(write.change, Forestall) and just_now
        if (after.job_id, after.round) not in self._asked and not by_operator:
            self._accuse("cancelled although nobody asked for it in this round:", write)

    def _judge_return(self, write: Applied) -> None:
        """A record may be forgotten once no message of its last round can be left."""
        gone = self.expired.get(write.after.job_id)
        if gone is not None and gone.status.is_final and write.after.round <= gone.round:
            self._accuse("an ended job came back:", write)

    def _judge_beginning(self, write: Applied) -> None:
        """A new round has nothing of the last one's ending."""
        after = write.after
        inherited = (after.result, after.result_ref, after.cancel_requested_at, after.scheduled_at, after.progress)
        ended = () if isinstance(write.change, Lose) else (after.failure, after.finished_at)
        if any(left is not None for left in (*inherited, *ended)):
            self._accuse("a new round begins with what the last one left:", write)
