"""An operation does each job once: told by stories of chance, which a wrong operation does not get through."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cqworker import Job, Reject, handler
from cqworker.jobs import operation_actions, operation_source, operation_work
from cqworker.jobs.operation_targets import ask_of
from cqworker.jobs.operator_actions import OperatorActions
from cqworker.model.operator_writes import NewRound
from cqworker.model.record import JobRecord
from cqworker.model.status import FINAL, Status
from cqworker.testing import in_virtual_time
from cqworker.testing.host import Host
from tests.flow.faults import late, refused, unanswered, unheard
from tests.flow.operation_world import OperationWorld

SEEDS = range(12)
JOBS = 120
SKEW = 2_000
"""Milliseconds by which the clocks of hosts may differ from the true time, as the protocol has it."""
MOST_ROUNDS = 2
DEATHS = 3


async def story_of(seed: int) -> list[str]:
    """What was not as promised: two operators at once, deaths, lost answers, clocks that differ; many fail again."""
    chance, starts = random.Random(seed), Counter[tuple[str, int]]()

    @handler(timeout=60, max_attempts=1)
    async def work(payload: dict[str, Any], job: Job) -> None:
        starts[job.id, job.round] += 1
        await asyncio.sleep(random.Random(job.id).uniform(0, 0.3))
        if random.Random(job.id).random() < 0.45:
            raise Reject("again")

    world = OperationWorld({"work": work}, concurrency=64)
    jobs = world.put(JOBS)
    numbers = iter(range(1, 100))

    def start() -> Host:
        return world.start(
            f"w{next(numbers)}", skew=chance.choice((-SKEW, 0, SKEW)), before=lambda host: _spoil(host, chance)
        )

    for _ in range(2):
        start()
    names = [await world.ask(by=by, rate=chance.choice((5, 20, 50))) for by in ("alice", "bob")]
    killed = 0
    for _ in range(DEATHS):
        await asyncio.sleep(chance.uniform(0.3, 9))
        victim = chance.choice(sorted(world.hosts))
        running = {record.job_id for record in world.store.records.values() if record.status is Status.RUNNING}
        killed += len(running)
        world.kill(victim)
        start()
    for name in names:
        await world.until(name)
    await world.until_true(lambda: all(world.record(job.job_id).status in FINAL for job in jobs))
    await world.until_empty()
    await world.stop()
    return [*_wrong_rounds(world, jobs), *_wrong_starts(starts, killed)]


def _spoil(host: Host, chance: random.Random) -> None:
    """Some of its writes of new rounds are lost, late, or not answered."""
    for _ in range(3):
        host.store.on(NewRound, chance.choice((refused, unanswered, unheard, late(2))))


def _wrong_rounds(world: OperationWorld, jobs: list[JobRecord]) -> list[str]:
    rounds = Counter(world.record(job.job_id).round for job in jobs)
    return [] if rounds == Counter({MOST_ROUNDS: JOBS}) else [f"rounds {dict(sorted(rounds.items()))}"]


def _wrong_starts(starts: Counter[tuple[str, int]], killed: int) -> list[str]:
    """Once each, but where its worker died under it."""
    extra = sum(starts.values()) - len({job_id for job_id, _ in starts})
    return [f"{extra} starts too many, {killed} jobs ran at a death"] if extra > killed else []


def told(seed: int) -> list[str]:
    async def tell() -> list[str]:
        return await story_of(seed)

    found: list[str] = in_virtual_time(tell)()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operation_does_each_job_once(seed: int) -> None:
    assert told(seed) == []


def _begins_at_once(patch: pytest.MonkeyPatch) -> None:
    """Without its five seconds, what a slow clock dates back seems to have ended before the asking."""
    for module in (operation_work, operation_actions):
        patch.setattr(module, "BEGIN_AFTER", 0)


def _forgets_when_it_was_asked(patch: pytest.MonkeyPatch) -> None:
    """Each attempt, and each page, looks at what there is now."""

    def asked_now(act: Any, texts: Any, as_of: int) -> Any:
        return ask_of(act, texts, as_of + 3_600_000)

    patch.setattr(operation_source, "ask_of", asked_now)
    patch.setattr(operation_source, "fits", lambda operation, record: operation.act.admits(record.status))


def _reads_the_round_anew(patch: pytest.MonkeyPatch) -> None:
    """A job is retried as it stands by then, not as it was found."""

    async def retry_seen(self: OperatorActions, record: JobRecord, said: str) -> bool:
        await self.retry(record.job_id, None)
        return True

    patch.setattr(OperatorActions, "retry_seen", retry_seen)


WRONG: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    _begins_at_once,
    _forgets_when_it_was_asked,
    _reads_the_round_anew,
)


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__.strip("_"))
def test_a_wrong_operation_is_found_out(
    spoil: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch)
    assert any(told(seed) for seed in SEEDS)
