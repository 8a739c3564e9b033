"""Levels of a queue: messages that go to the wrong one, levels that are not polled, and changes that are too bold."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from cqworker.flow import poller as poller_module
from cqworker.flow.acknowledger import Delete, Hide
from cqworker.flow.capacity import Ask
from cqworker.flow.level_room import LevelRoom
from cqworker.jobs import priority_actions as actions_module
from cqworker.jobs.messages import letter_of
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.model.operator_writes import NewRound
from cqworker.model.priority_writes import Reprioritise
from cqworker.model.record import JobRecord
from cqworker.ports import JobQueue, Letter
from tests.simulation.mutants.registry import Swap, mutant
from tests.simulation.profile import Profile


def _levelled(profile: Profile) -> bool:
    """Worlds whose queues have levels."""
    return profile.levels is not None


def _changed(profile: Profile) -> bool:
    """The same with people who give jobs another one."""
    return _levelled(profile) and profile.impatience is not None


def _changed_in_time(profile: Profile) -> bool:
    return _changed(profile) and profile.timely


@mutant("a job is sent to the medium level whatever it asked for", where=_levelled)
def _sent_to_medium(swap: Swap) -> None:
    honest = QueueDirectory.named

    def named(self: QueueDirectory, name: str, priority: str | None = None) -> JobQueue:
        return honest(self, name)

    swap(QueueDirectory, "named", named)


@mutant("an idle level is polled no more", where=_levelled)
def _idle_is_forgotten(swap: Swap) -> None:
    async def ask(self: LevelRoom, *, reserving: bool) -> Ask | None:
        if self.priority == "low":
            await asyncio.sleep(10**9)
        return await honest(self, reserving=reserving)

    honest = LevelRoom.ask
    swap(LevelRoom, "ask", ask)


@mutant("a message that came to no slot is deleted", where=_levelled)
def _slotless_deleted(swap: Swap) -> None:
    def hide(seconds: float) -> Hide | Delete:
        return Delete() if seconds == 0.0 else Hide(seconds)

    swap(poller_module, "Hide", hide)


@mutant("a job is given another level while it runs", where=_changed)
def _changed_running(swap: Swap) -> None:
    def permits(self: Reprioritise, seen: JobRecord | None) -> bool:
        return seen is not None and not seen.status.is_final and seen.round == self.seen.round

    swap(Reprioritise, "permits", permits)
    swap(actions_module, "require_waiting", lambda _record, _what: None)


@mutant("another level takes the job's time away", where=_changed_in_time)
def _time_is_lost(swap: Swap) -> None:
    honest = Reprioritise.after

    def after(self: Reprioritise, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), scheduled_at=None)

    swap(Reprioritise, "after", after)


@mutant("a new round forgets its level", where=_changed)
def _forgotten_in_a_round(swap: Swap) -> None:
    honest = NewRound.after

    def after(self: NewRound, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), priority=None)

    swap(NewRound, "after", after)


@mutant("another level takes the job out of the index", where=_changed_in_time)
def _mark_is_lost(swap: Swap) -> None:
    honest = Reprioritise.after

    def after(self: Reprioritise, seen: JobRecord | None) -> JobRecord:
        return replace(honest(self, seen), due=None)

    swap(Reprioritise, "after", after)


@mutant("the message for another level opens a round", where=_changed)
def _opens_a_round(swap: Swap) -> None:
    def of_next_round(record: JobRecord, *, delay: int = 0) -> Letter:
        return letter_of(record, round_number=record.round + 1, delay=delay)

    swap(actions_module, "letter_of", of_next_round)
