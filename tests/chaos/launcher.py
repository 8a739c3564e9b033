"""Starts cqworker's command line in a process that kills itself at a named point: `launcher POINT:N -- run …`.

The product knows nothing of this: the points are put around its ports from here. Two kill nobody: `census:FILE` keeps
the number of unfinished tasks in a file, and `horizon:MS` has due jobs handed over so shortly before their time, by
sweeps and leases that are as much shorter.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cqworker.aws.sqs.message_queue import SqsQueue
from cqworker.cli import main
from cqworker.health.monitored_ports import MonitoredStore
from cqworker.model.attempt_writes import Claim, Settle
from cqworker.model.operator_writes import Enter
from cqworker.model.writes import Written
from cqworker.scheduling import sweep_leases
from cqworker.scheduling.sweeper import Pace, Sweeper
from tests.chaos import journal

Hits = Callable[[], None]
CENSUS_EVERY = 5.0
BRISK_SWEEP = 0.5
"""Seconds between two sweeps that look but a few seconds ahead."""


class Countdown:
    """Kills this process at the n-th call."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def after_receive(hit: Hits) -> None:
    """A receive brought messages, and nothing was done with them yet."""
    receive = SqsQueue.receive

    async def dying(self: SqsQueue, *args: Any) -> Any:
        deliveries = await receive(self, *args)
        if deliveries:
            hit()
        return deliveries

    setattr(SqsQueue, "receive", dying)  # noqa: B010 - a method is replaced on purpose


def after_write(hit: Hits, kind: type) -> None:
    """A write of this kind was applied and answered."""
    write = MonitoredStore.write

    async def dying(self: MonitoredStore, change: Any) -> Any:
        answer = await write(self, change)
        if isinstance(change, kind) and isinstance(answer, Written):
            hit()
        return answer

    setattr(MonitoredStore, "write", dying)  # noqa: B010


def before_enter(hit: Hits) -> None:
    """A submission's message is out, its record is not written yet."""
    write = MonitoredStore.write

    async def dying(self: MonitoredStore, change: Any) -> Any:
        if isinstance(change, Enter):
            hit()
        return await write(self, change)

    setattr(MonitoredStore, "write", dying)  # noqa: B010


def around_delete(hit: Hits, *, done: bool) -> None:
    """A delete is about to be asked for, or was answered."""
    delete = SqsQueue.delete

    async def dying(self: SqsQueue, receipts: Any) -> Any:
        if not done:
            hit()
        faults = await delete(self, receipts)
        if done:
            hit()
        return faults

    setattr(SqsQueue, "delete", dying)  # noqa: B010


def after_note(hit: Hits, event: str) -> None:
    """A handler noted this event."""
    note = journal.note

    def dying(said: str, job_id: str, attempt: int, run: str) -> None:
        note(said, job_id, attempt, run)
        if said == event:
            hit()

    setattr(journal, "note", dying)  # noqa: B010


WORKER_POINTS: dict[str, Callable[[Hits], None]] = {
    "after-receive": after_receive,
    "after-claim": lambda hit: after_write(hit, Claim),
    "in-handler": lambda hit: after_note(hit, "start"),
    "after-effect": lambda hit: after_note(hit, "effect"),
    "after-settle": lambda hit: after_write(hit, Settle),
    "before-delete": lambda hit: around_delete(hit, done=False),
    "after-delete": lambda hit: around_delete(hit, done=True),
}
POINTS = {**WORKER_POINTS, "before-enter": before_enter}


def arm(point: str) -> None:
    """Sets the point `name:n`, or starts the census."""
    name, _, told = point.partition(":")
    if name == "census":
        threading.Thread(target=take_census, args=(Path(told),), daemon=True).start()
    elif name == "horizon":
        shorten(int(told))
    else:
        POINTS[name](Countdown(int(told)))


def shorten(horizon: int) -> None:
    """The sweeps of this process look `horizon` milliseconds ahead; their leases end before that time is over."""
    Sweeper.__init__.__defaults__ = (Pace(horizon=horizon, every=BRISK_SWEEP),)
    vars(sweep_leases).update({"LEASE_MS": horizon * 3 // 5, "RENEW_MS": horizon // 5, "LOOK_MS": horizon // 5})


def take_census(file: Path) -> None:
    """Counts the tasks of all loops, for ever."""
    while True:
        tasks = [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Task)]
        file.write_text(str(sum(not task.done() for task in tasks)))
        del tasks
        time.sleep(CENSUS_EVERY)


if __name__ == "__main__":
    arm(sys.argv[1])
    sys.argv[1:3] = []
    main()
