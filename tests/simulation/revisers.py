"""Those who hand in the newest state of something again and again: the last one counts, until its job has started."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace

from cqworker.enums import OnDuplicate
from cqworker.jobs.submission import Accepted, Submission
from cqworker.model.unique import Unique
from tests.simulation.rivals import Rivals, named, steps_of

ACTS = ("again", "again", "again", "cancel", "retry", "show")
PAGES = 2
REVISERS = 4


class Revisers(Rivals):
    """Clients of which each wants what it has last to run, of some pages that they all work at."""

    async def run(self) -> None:
        """All of them, each with its own story."""
        await asyncio.gather(*self._stories())

    def _stories(self) -> Iterator[asyncio.Future[None]]:
        profile = self._site.profile
        rush = self._chance.uniform(0, profile.seconds * 0.5)
        for page in range(PAGES):
            for number in range(REVISERS):
                at = rush if self._chance.random() < 0.5 else self._chance.uniform(0, profile.seconds * 0.8)
                own = random.Random(f"{profile.seed} reviser {page}.{number}")
                story = self._reviser(f"reviser {page}.{number}", f"page {page}", at, own)
                yield asyncio.ensure_future(story)

    async def _reviser(self, name: str, page: str, at: float, chance: random.Random) -> None:
        await asyncio.sleep(self._site.profile.at(at))
        keyed = chance.random() < 0.7
        for turn in range(chance.randint(2, 5)):
            asked = f"{name}.{turn}"
            request = _request(asked, page, chance, keyed=keyed)
            job_id = await self._submit_at_once(asked, request, chance)
            for act in chance.choices(ACTS, k=chance.randint(0, 2)) if job_id else ():
                await asyncio.sleep(chance.uniform(0, chance.choice((0.1, 1.0, 30.0))))
                if act != "again":
                    await self._clients.act(act, job_id or "", None)
                elif keyed:
                    await self._submit(asked, request)
            await asyncio.sleep(chance.uniform(0, chance.choice((0.1, 3.0, 20.0))))

    def _named(self, request: Submission, name: str) -> Submission:
        payload = json.dumps({**json.loads(request.payload), "asked": name}, separators=(",", ":"))
        return replace(named(request, name), payload=payload)

    def _judge(self, name: str, accepted: Accepted, began: float, *, keyed: bool) -> None:
        super()._judge(name, accepted, began, keyed=keyed)
        self._site.payloads.answered(name, accepted.record.job_id, self.began[name])


def _request(asked: str, page: str, chance: random.Random, *, keyed: bool) -> Submission:
    """Some wait for the last one, some put it off, and some leave the time as it is."""
    debounce = chance.choice((0, 0, 5, 15, 40))
    return Submission(
        type="work",
        payload=json.dumps({"script": steps_of(chance)}),
        max_attempts=2,
        delay_seconds=0 if debounce else chance.choice((0, 0, 10, 30)),
        idempotency_key=f"key of {asked}" if keyed else None,
        unique=Unique(page, scope="until_started"),
        on_duplicate=OnDuplicate.REPLACE,
        debounce_seconds=debounce,
        max_wait_seconds=debounce * chance.choice((1, 2, 4)) if debounce and chance.random() < 0.6 else None,
    )
