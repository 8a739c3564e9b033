"""Priorities: the levels that a queue may have, what they are called, and in which SQS queue each of them waits."""

from __future__ import annotations

from typing import Literal, get_args

PriorityName = Literal["highest", "high", "medium", "low", "lowest"]
"""A level of a queue. The set is closed: whoever looks for a level that was taken out knows its queue's name."""
PRIORITIES: tuple[PriorityName, ...] = get_args(PriorityName)
"""All levels, the most urgent first."""
MEDIUM: PriorityName = "medium"
"""The level of a job that asks for none: its queue has the plain name, which older versions poll, too."""
ALIASES: dict[str, PriorityName] = {"normal": MEDIUM}
"""What others call a level."""
MOST = 9
"""The most urgent of the numbers that stand for a level; 0 is the least."""


def level_queue(queue: str, priority: str | None) -> str:
    """The name of the SQS queue where this level of a queue waits; None is the medium one."""
    return queue if priority is None or priority == MEDIUM else f"{queue}-{priority}"


def stored_priority(priority: str) -> str | None:
    """A level as a message and a record say it: not at all where it is the medium one."""
    return None if priority == MEDIUM else priority


def level_of(asked: str | int | None, levels: tuple[str, ...]) -> str | None:
    """The level that is asked for by its name or by a number from 0 to 9, of those that a queue has (urgent first).

    The numbers are shared out evenly. Asked for nothing it is the medium one. None: the queue has no such level.
    """
    if asked is None:
        return MEDIUM
    if isinstance(asked, int):
        return levels[(MOST - asked) * len(levels) // (MOST + 1)] if len(levels) > 1 and 0 <= asked <= MOST else None
    name = ALIASES.get(asked, asked)
    return name if name == MEDIUM or name in levels else None
