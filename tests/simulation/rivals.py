"""Those who hand in jobs that are unique, at the same time and again and again; and what they must never see."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from cqworker.enums import UniqueScope
from cqworker.errors import CqworkerError, SendUnanswered, Unavailable
from cqworker.jobs.request_keys import KEY_LIFE_MS
from cqworker.jobs.submission import Accepted, Submission
from cqworker.model.attempt_writes import Claim
from cqworker.model.record import JobRecord
from cqworker.model.unique import Unique
from cqworker.model.unique_hold import scope_and_key
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.clients import Clients
from tests.simulation.process import NoAnswer, Process
from tests.simulation.site import Site
from tests.simulation.store_service import Applied

LONG_AGO = 120.0
"""Seconds after its end from which on a job must not bind its key, whatever clocks say."""
ENDS = ("return", "return", "reject", "reject", "raise")
ACTS = ("cancel", "retry", "retry", "show", "again", "race", "race")
LOOKS = 4
GROUPS = 2
RIVALS = 5
TRIES = 3
MOST_TRIES = 300
"""Tries of a request with a key, some twenty minutes of them: by then the worst that befalls the fleet is over."""
T = TypeVar("T")


class OneAlive:
    """Sees to it that of the jobs of one key one is alive at most, or one that has yet to start if that is its scope.

    One that was handed back has started: meanwhile another may have been made.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._alive: dict[str, set[str]] = defaultdict(set)
        self._started: set[tuple[str, int]] = set()

    def applied(self, write: Applied) -> None:
        record = write.after
        if record.unique is None:
            return
        alive = self._alive[record.unique]
        alive.intersection_update(self._site.store.records)
        if isinstance(write.change, Claim):
            self._started.add((record.job_id, record.round))
        if record.status.is_final or self._is_let_go_of(record):
            alive.discard(record.job_id)
            return
        alive.add(record.job_id)
        if len(alive - self._site.outlived) > 1:
            self._site.witness.accuse("two live jobs of one key:", *sorted(alive), "by", write)

    def _is_let_go_of(self, record: JobRecord) -> bool:
        scope, _ = scope_and_key(record.unique or "")
        has_started = (record.job_id, record.round) in self._started or record.cancel_requested_at is not None
        return scope is UniqueScope.UNTIL_STARTED and has_started


class Rivals:
    """Clients that want one job among them, for each of some keys."""

    def __init__(self, site: Site, clients: Clients) -> None:
        self._site = site
        self._clients = clients
        self._chance = site.profile.stream(type(self).__name__.lower())
        self._answers: dict[str, dict[str, float]] = defaultdict(dict)
        self.began: dict[str, float] = {}

    async def run(self) -> None:
        """All of them, each with its own story."""
        chance, profile = self._chance, self._site.profile
        rush = chance.uniform(0, profile.seconds * 0.5)
        stories = []
        for group in range(GROUPS):
            for number in range(RIVALS):
                at = rush if chance.random() < 0.4 else chance.uniform(0, profile.seconds * 0.8)
                own = random.Random(f"{profile.seed} rival {group}.{number}")
                stories.append(self._rival(f"rival {group}.{number}", f"group {group}", at, own))
        await asyncio.gather(*stories)

    async def _rival(self, name: str, group: str, at: float, chance: random.Random) -> None:
        await asyncio.sleep(self._site.profile.at(at))
        keyed = chance.random() < 0.5
        for turn in range(chance.randint(1, 3)):
            asked = f"{name}.{turn}"
            request = _request(asked, group, chance, keyed=keyed)
            job_id = await self._submit_at_once(asked, request, chance)
            for act in chance.choices(ACTS, k=chance.randint(1, 4)) if job_id else ():
                await asyncio.sleep(chance.uniform(0, chance.choice((0.1, 1.0, 30.0))))
                if act == "again" and keyed:
                    await self._submit(asked, request)
                elif act == "race":
                    await self._race(job_id or "", self._named(request, f"{asked} races"))
                elif act != "again":
                    await self._clients.act(act, job_id or "", None)
            await asyncio.sleep(chance.uniform(0, chance.choice((0.1, 2.0, 60.0))))

    async def _submit_at_once(self, asked: str, request: Submission, chance: random.Random) -> str | None:
        """With a key sometimes by several tries of one request: who asks again knows nothing of who still asks."""
        if request.idempotency_key is None or chance.random() < 0.5:
            return await self._submit(asked, request)
        pauses = [0.0, *(chance.uniform(0, chance.choice((0.1, 2.0, 30.0))) for _ in range(2))]
        answers = await asyncio.gather(*(self._after(pause, partial(self._submit, asked, request)) for pause in pauses))
        return answers[0]

    async def _race(self, job_id: str, request: Submission) -> None:
        """Somebody cancels and retries the job while another one submits it: each may come first."""
        for _ in range(LOOKS):
            if (seen := await self._clients.act("cancel", job_id, None)) is None or seen.status.is_final:
                break
            await asyncio.sleep(1)
        anew = replace(request, idempotency_key=None)
        name = f"{request.metadata['asked']} {self._site.kernel.now:.3f}"
        pauses = [self._chance.uniform(0, 0.15) for _ in range(3)]
        await asyncio.gather(
            self._after(pauses[0], partial(self._clients.act, "retry", job_id, None)),
            self._after(pauses[1], partial(self._submit, name, anew)),
            self._after(pauses[2], partial(self._clients.act, "retry", job_id, None)),
        )

    async def _after(self, seconds: float, act: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(seconds)
        return await act()

    async def _submit(self, asked: str, request: Submission) -> str | None:
        """With a key until it is answered, without one a few times, each under a name of its own."""
        tries = 0
        while True:
            tries += 1
            name = asked if request.idempotency_key else f"{asked} try {tries} at {self._site.kernel.now:.3f}"
            one = self._named(request, name)
            self._site.letters.handed_in(name, one)
            began = self._site.kernel.now
            self.began.setdefault(name, began)
            try:
                accepted = await self._clients.ask(partial(_hand_in, one))
            except (Unavailable, SendUnanswered, NoAnswer, CqworkerError) as error:
                self._site.trace.note("rival", name, repr(error))
            else:
                self._judge(name, accepted, began, keyed=request.idempotency_key is not None)
                return accepted.record.job_id
            if request.idempotency_key is None and tries >= TRIES:
                return None
            if tries == MOST_TRIES:
                self._site.witness.accuse("a request is never answered:", name)
                return None
            await asyncio.sleep(self._chance.uniform(0, 8))

    def _named(self, request: Submission, name: str) -> Submission:
        return named(request, name)

    def _judge(self, name: str, accepted: Accepted, began: float, *, keyed: bool) -> None:
        record, site = accepted.record, self._site
        site.trace.note("rival", name, "has", record.job_id, "not new" if accepted.duplicate else "")
        self._clients.ledger.met.add(record.job_id)
        if accepted.duplicate and record.status.is_final:
            ended = ((record.finished_at or 0) - EPOCH_MS) / 1000
            if ended < began - LONG_AGO:
                site.witness.accuse("a key bound a job that had ended:", record.job_id, f"{ended:.0f} < {began:.0f}")
        answers = self._answers[name]
        answers.setdefault(record.job_id, site.kernel.now)
        if keyed and len(answers) > 1 and max(answers.values()) - min(answers.values()) < KEY_LIFE_MS / 2000:
            site.witness.accuse("one request was given several jobs:", name, *answers)


async def _hand_in(request: Submission, process: Process) -> Accepted:
    return await process.submitter.submit(request)


def _request(asked: str, group: str, chance: random.Random, *, keyed: bool) -> Submission:
    return Submission(
        type="work",
        payload=json.dumps({"script": steps_of(chance), "pad": ""}),
        max_attempts=2,
        delay_seconds=chance.choice((0, 0, 5, 10)),
        idempotency_key=f"key of {asked}" if keyed else None,
        unique=Unique(group),
    )


def steps_of(chance: random.Random) -> list[dict[str, object]]:
    """What a job's three attempts do."""
    return [
        {"how": "take", "take": round(chance.uniform(0, 12), 2), "end": chance.choice(ENDS), "after": 1}
        for _ in range(3)
    ]


def named(request: Submission, name: str) -> Submission:
    """The request with its name in it."""
    return replace(request, metadata={"asked": name})
