"""In whatever order a stop, a handler's look, its end and its settle come: nothing half is done, nothing whole lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from cqworker.events import Event, JobRef
from cqworker.execution.handler_loop import RunningCall
from cqworker.execution.outcome import (
    AskedReject,
    AskedRetry,
    AskedSnooze,
    Ended,
    Hindered,
    Interrupted,
    Outcome,
    Raised,
    Returned,
    StopReason,
)
from cqworker.execution.stops_and_timeouts import HandlerRun, Timeouts
from cqworker.flow.conclusion import (
    Cancelled,
    Conclusion,
    Failing,
    HandedBack,
    LeftAlone,
    Retrying,
    Rules,
    Success,
    conclude,
)
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.plugins.handler import Backoff
from tests.flow.world import story

JOB = JobRef(job_id="j", type="t", queue="q", tenant="default", round=1, attempt=1, trace_id="")
RECORD = JobRecord(
    job_id="j",
    type="t",
    queue="q",
    tenant="default",
    status=Status.RUNNING,
    max_attempts=3,
    created_at=0,
    purge_at=0,
    attempt=1,
)
RULES = Rules(Backoff(), 1000, lambda: 0.5)
ENDS: dict[str, Outcome | Interrupted] = {
    "returned": Returned("1"),
    "finished": Returned("1"),
    "failed": Raised("ValueError", "x"),
    "hindered": Hindered("it met an outage", Raised("Unavailable", "away")),
    "gave up": Interrupted("Stopping"),
    "cancelled": Interrupted(),
    "retry": AskedRetry("busy", 7.0),
    "snooze": AskedSnooze("too early", 7.0),
    "reject": AskedReject("no"),
}
STEPS = ("quiet", "stop", "thrown", "look", "end", "told", "settled")
"""A drain begins; the word to stop, its arrival in the coroutine; the handler looks, ends; that is known, written."""
BEFORE = (("stop", "thrown"), ("look", "end"), ("end", "told"), ("told", "settled"))


def orders() -> Iterator[tuple[str, ...]]:
    """All that can be: with and without a drain, a look, an arrival, and a stop at all."""
    for without in itertools.product([True, False], repeat=4):
        _, stop, thrown, _ = without
        if thrown and not stop:
            continue
        left = dict(zip(("quiet", "stop", "thrown", "look"), without, strict=True))
        steps = [step for step in STEPS if left.get(step, True)]
        for order in itertools.permutations(steps):
            if all(_in_order(order, first, then) for first, then in BEFORE):
                yield order


def _in_order(order: tuple[str, ...], first: str, then: str) -> bool:
    return then not in order or first not in order or order.index(first) < order.index(then)


def comes(order: tuple[str, ...], first: str, then: str) -> bool:
    return first in order and then in order and order.index(first) < order.index(then)


async def conclusion_of(order: tuple[str, ...], reason: StopReason, how: str) -> Conclusion:
    """Plays one order; what is concluded when the end is known must stand, whatever comes after it."""
    drains, events = [False], list[Event]()
    loop = asyncio.get_running_loop()
    run = HandlerRun(JOB, events.append, 5.0, lambda: drains[0], Timeouts())
    call = RunningCall(loop.create_future(), lambda: None)
    run.begin(call, 60.0)
    end: Ended | None = None
    concluded: Conclusion | None = None
    for step in order:
        match step:
            case "quiet":
                drains[0] = True
            case "stop":
                run.stop(reason)
            case "thrown" if end is None:
                run.signal.note_thrown()
            case "look":
                run.signal.look()
            case "end":
                end = Ended(ENDS[how], run.signal.seen, how == "finished")
            case "told":
                call.ended.set_result(end)
                await asyncio.sleep(0)
                concluded = conclude(RECORD, run.outcome.result(), RULES)
            case _:
                pass
    assert conclude(RECORD, run.outcome.result(), RULES) == concluded
    assert concluded is not None
    return concluded


@pytest.mark.parametrize("reason", StopReason)
@story
async def test_whatever_comes_first_only_what_is_finished_succeeds_and_nothing_finished_is_done_again(
    reason: StopReason,
) -> None:
    count = 0
    for order, how in itertools.product(orders(), ENDS):
        ended = await conclusion_of(order, reason, how)
        case = f"{reason}: {how}, {order} -> {ended}"
        stopped = comes(order, "stop", "told")
        seen = comes(order, "stop", "look") or comes(order, "quiet", "look") or comes(order, "thrown", "end")
        lost = stopped and reason is StopReason.LOST
        returned = how in ("returned", "finished")
        whole = how == "finished" or (how == "returned" and not seen)
        assert isinstance(ended, Success) == (whole and not lost), case
        assert isinstance(ended, LeftAlone) == lost, case
        assert not (isinstance(ended, HandedBack) and how == "finished"), case
        assert isinstance(ended, Failing) == (how == "reject" and not lost), case
        if returned and not whole and not lost:
            first_is_drain = comes(order, "quiet", "look") and not comes(order, "stop", "look")
            assert isinstance(ended, _unfinished(StopReason.DRAIN if first_is_drain else reason)), case
        count += 1
    assert count > 1000


def _unfinished(reason: StopReason) -> Any:
    kinds = {StopReason.TIMEOUT: (Retrying, HandedBack), StopReason.CANCEL: (Cancelled, HandedBack)}
    return kinds.get(reason, HandedBack)
