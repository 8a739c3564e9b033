"""One seed from its first second to its judgement."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from cqworker.admission import rate_admission
from cqworker.flow import acknowledger, fresh_copies, lease_keeper, settle, unknown_types
from cqworker.jobs import hand_over, submission, submit
from tests.simulation.clients import Clients
from tests.simulation.errand import errands, parcels
from tests.simulation.fleet import Fleet
from tests.simulation.judgement import is_quiet, judge, judge_exits
from tests.simulation.kernel import Livelock
from tests.simulation.operators import Operators
from tests.simulation.profile import profile_of
from tests.simulation.promises import Promises
from tests.simulation.revisers import Revisers
from tests.simulation.rivals import OneAlive, Rivals
from tests.simulation.site import Site
from tests.simulation.trust import Trust

PATIENCE = 2400.0
"""Seconds of peace in which everything must have come to an end."""
PATIENCE_AFTER_DAYS = 7200.0
"""The same for what has waited for so long that it is tried once an hour by now."""
LOOK_EVERY = 2.0
MISHAP = "an error reached an event loop:"
HINDERED_MS = 1_200_000
"""What stands for the 24 hours in which a worker may come that knows a type."""
AFTERGLOW = 75.0
"""Seconds until the last delayed request has arrived and the last deleted message has stayed away."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one seed brought: `schedule` is its last events, with virtual times."""

    seed: int
    seconds: float
    steps: int
    jobs: int
    starts: int
    faults: Counter[str]
    violations: tuple[str, ...]
    endings: Counter[str]
    digest: str
    schedule: tuple[str, ...] = field(repr=False)


def simulate(seed: int, *, whole_trace: bool = False, hasty: bool = False) -> Report:
    """Runs one seed; equal seeds give equal reports, in every process. `hasty` stops at the first violation."""
    with _seeded(seed):
        profile = profile_of(seed)
        site = Site(profile, whole_trace=whole_trace)
        if hasty:
            site.witness.accused = site.kernel.stop
        with _short_days(profile.longest_hold), _short_delays(profile.horizon):
            return _simulate(site, whole_trace)


def _simulate(site: Site, whole_trace: bool) -> Report:
    try:
        site.kernel.run(site.world, _story(site))
    except Livelock as error:
        site.witness.accuse("livelock:", error)
    for mishap in site.kernel.mishaps:
        site.witness.accuse(MISHAP, mishap)
    site.kernel.bury()
    wanted = whole_trace or site.witness.violations
    return Report(
        seed=site.profile.seed,
        seconds=site.kernel.now,
        steps=site.kernel.steps,
        jobs=len(site.store.records),
        starts=site.witness.starts,
        faults=site.trace.faults,
        violations=tuple(site.witness.violations),
        endings=Counter(status.value for status in site.witness.endings.values()),
        digest=site.trace.digest(),
        schedule=tuple(site.trace.lines()) if wanted else (),
    )


async def _story(site: Site) -> None:
    fleet = Fleet(site)
    clients = Clients(site, fleet)
    loop = asyncio.get_running_loop()
    supervisor = loop.create_task(fleet.maintain())
    trust = Trust(site, fleet)
    site.store.refused = trust.refused
    site.watchers.append(OneAlive(site).applied)
    watch = loop.create_task(trust.watch())
    works = [loop.create_task(clients.run(errand)) for errand in errands(site.profile)]
    works += [loop.create_task(clients.send(parcel)) for parcel in parcels(site.profile)]
    works.append(loop.create_task(fleet.suffer()))
    works.append(loop.create_task(fleet.close_for_days()))
    works.append(loop.create_task(fleet.endure_blackouts()))
    works += [loop.create_task(work) for work in _meddling(site, clients, fleet)]
    await asyncio.sleep(site.profile.at(site.profile.seconds))
    site.make_peace()
    fleet.make_peace()
    await fleet.deploy()
    if site.profile.blind:
        fleet.blind_one()
    promises = Promises(site, clients, fleet)
    works += [loop.create_task(work) for work in (promises.ask_and_see(), promises.give_up_unsendable())]
    await asyncio.wait(works)
    await _until(lambda: is_quiet(site), site)
    await asyncio.sleep(AFTERGLOW)
    await _until(lambda: is_quiet(site) and all(process.is_idle for process in fleet.alive), site)
    judge(site, clients.ledger, fleet)
    site.pace.judge()
    last = fleet.alive
    await fleet.close()
    watch.cancel()
    await supervisor
    judge_exits(site, last)


def _meddling(site: Site, clients: Clients, fleet: Fleet) -> Iterator[Coroutine[Any, Any, None]]:
    """What people do in this world beside handing in jobs."""
    operators = Operators(site, clients, fleet)
    if site.profile.rivals:
        yield Rivals(site, clients).run()
    if site.profile.revised:
        yield Revisers(site, clients).run()
    if site.profile.unsendable:
        yield clients.put_unsendable()
    if site.profile.impatience is not None:
        yield operators.meddle()
    if site.profile.fickle:
        yield operators.waver()


async def _until(holds: Callable[[], bool], site: Site) -> None:
    patience = PATIENCE_AFTER_DAYS if site.profile.closed or site.profile.slotted else PATIENCE
    deadline = site.kernel.now + patience
    while not holds() and site.kernel.now < deadline:  # noqa: ASYNC110 - a look costs nothing in virtual time
        await asyncio.sleep(LOOK_EVERY)


@contextmanager
def _short_days(seconds: int) -> Iterator[None]:
    """What stands for SQS's 12 hours, so that jobs come near it."""
    with patch.object(lease_keeper, "MAX_VISIBILITY", seconds), patch.object(acknowledger, "MAX_VISIBILITY", seconds):
        yield


@contextmanager
def _short_delays(seconds: int) -> Iterator[None]:
    """What stands for the 15 minutes that SQS delays a message, and for the day that a job waits for its type."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(unknown_types, "PATIENCE_MS", HINDERED_MS))
        for module in (settle, fresh_copies, hand_over, submit):
            stack.enter_context(patch.object(module, "MAX_DELAY", seconds))
        for name, value in (("MAX_DELAY", seconds), ("LOOK_AGAIN", 4 * seconds), ("SPREAD", seconds)):
            stack.enter_context(patch.object(rate_admission, name, value))
        for module in (hand_over, submission):
            stack.enter_context(patch.object(module, "HORIZON_MS", seconds * 1000))
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Chance as production takes it: the global generator for jitter, `secrets` for names."""
    state = random.getstate()
    random.seed(seed)
    try:
        with patch("cqworker.model.ids.secrets", _Seeded(seed)):
            yield
    finally:
        random.setstate(state)


class _Seeded:
    """The part of `secrets` that names are made with."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"{seed} names")

    def randbits(self, count: int) -> int:
        return self._chance.getrandbits(count)

    def token_urlsafe(self, size: int) -> str:
        return f"{self._chance.getrandbits(8 * size):x}"
