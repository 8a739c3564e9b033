"""One stop in each manner, the judgement of stops that went wrong, and the order in which answers come at last."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from cqworker.cli.event_loop import run_on_loop
from cqworker.embedded import EmbeddedAws
from tests.stops.campaign import campaign, told
from tests.stops.request_gate import QUIET, Turnstile
from tests.stops.stop import MANNERS, Stop


def a_stop(code: int | None = 0, log: str = "", seconds: float = 1.0) -> Stop:
    return Stop("jobs end", code, seconds, 7.0, Counter({"stops.async": 4}), 3, log)


@pytest.mark.processes
@pytest.mark.timeout(180)
def test_a_daemon_leaves_with_0_and_in_time_however_it_is_stopped(moto: EmbeddedAws, tmp_path: Path) -> None:
    stops = run_on_loop(campaign(moto, tmp_path, len(MANNERS), seed=1, at_once=1))
    assert {stop.manner for stop in stops} == set(MANNERS)
    assert [f"{stop.trouble}\n{stop.log}" for stop in stops if stop.trouble is not None] == []
    assert sum(stop.kept_back for stop in stops) > 0


def test_a_daemon_that_stays_fails_or_complains_is_in_trouble() -> None:
    assert a_stop().trouble is None
    assert a_stop(None, seconds=7.0).trouble == "jobs end: still there after 7.0 s, 7 s allowed"
    assert a_stop(70).trouble == "jobs end: exit 70 after 1.0 s"
    assert a_stop(log="Traceback (most recent call last):").trouble == "jobs end: a traceback in its log"


def test_the_figures_count_what_failed_and_tell_the_stop_nearest_to_its_limit() -> None:
    line = told([a_stop(), a_stop(None, seconds=7.0), a_stop(seconds=2.0)])
    assert line == (
        "3 stops (jobs end 3), 1 failed; nearest to its limit: 7.00 s of 7 s; in hand: 12 stops.async; "
        "answers kept back: 9"
    )


async def test_answers_are_kept_back_while_a_receive_is_under_way_and_come_in_the_order_of_the_queues() -> None:
    came: list[str] = []
    turnstile = Turnstile(random.Random(1))

    async def keep(queue: str) -> None:
        await turnstile.keep(queue)
        came.append(queue)

    turnstile.receive_begins()
    async with asyncio.TaskGroup() as answers:
        for queue in ("b", "c", "a"):
            answers.create_task(keep(queue))
        await asyncio.sleep(2 * QUIET)
        assert came == []
        turnstile.receive_ended()
    assert came == ["a", "b", "c"]
