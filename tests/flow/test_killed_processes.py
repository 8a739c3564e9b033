"""What a handler in a process comes to when that is killed, or ends by itself."""

from __future__ import annotations

import pytest

from cqworker.execution.outcome import (
    AskedReject,
    AskedRetry,
    AskedSnooze,
    Died,
    Interrupted,
    Raised,
    Returned,
    Stopped,
    StopReason,
)
from cqworker.execution.stop_outcomes import judge

KILLED = Interrupted()
ANSWERS = (
    Returned("1"),
    Raised("ValueError", "x"),
    AskedRetry("busy", 7.0),
    AskedSnooze("too early", 7.0),
    AskedReject("no"),
)


@pytest.mark.parametrize("reason", [StopReason.DRAIN, StopReason.TIMEOUT, StopReason.CANCEL, StopReason.SILENCE])
def test_a_process_that_is_killed_was_stopped_and_a_whole_answer_before_the_kill_stands(reason: StopReason) -> None:
    for end in (KILLED, Died("a kill")):
        assert judge(end, reason, draining=False, late=0.0) == Stopped(reason)
    for answer in ANSWERS:
        assert judge(answer, reason, draining=False, late=3.0) is answer
        assert judge(answer, StopReason.LOST, draining=False, late=0.0) == Stopped(StopReason.LOST)


@pytest.mark.parametrize("draining", [True, False])
def test_a_process_that_somebody_else_ends_was_stopped_only_if_its_worker_drains(draining: bool) -> None:
    died = Died("a kill")
    ended = judge(died, None, draining=draining, late=0.0)
    assert ended == (Stopped(StopReason.DRAIN) if draining else died)
