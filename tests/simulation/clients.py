"""Those who hand in jobs, repeat what was not answered, cancel, retry and ask; and what they were promised."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from cqworker.errors import CqworkerError, KeyReused, NotProvisioned, SendUnanswered, Unavailable, UnknownType
from cqworker.jobs.request_keys import KEY_LIFE_MS
from cqworker.jobs.submission import Accepted, Submission
from cqworker.model.operator_writes import Enter
from cqworker.model.record import SHARDS, JobRecord, shard_of
from cqworker.model.status import Status
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.debts import NOWHERE
from tests.simulation.errand import Errand, Parcel
from tests.simulation.fleet import Fleet
from tests.simulation.process import NoAnswer, Process
from tests.simulation.profile import Profile
from tests.simulation.site import Site

T = TypeVar("T")
LEVELS = ("high", "medium", "low", None)
UNKEYED_TRIES = 3


class TooOld(NoAnswer):
    """The process is of a version that does not know what is asked for."""


class Ledger:
    """What the front desk promised to clients."""

    def __init__(self) -> None:
        self.accepted: dict[str, set[str]] = defaultdict(set)
        self.met: set[str] = set()
        """Jobs that a request was given that is another's, or may be."""
        self.refused: set[str] = set()
        self.rounds: dict[str, int] = defaultdict(int)
        self.retries: Counter[str] = Counter()
        self.retried_rounds: dict[str, set[int]] = defaultdict(set)


class Clients:
    """All clients of one run."""

    def __init__(self, site: Site, fleet: Fleet) -> None:
        self.ledger = Ledger()
        self._site = site
        self._fleet = fleet
        self._chance = site.profile.stream("clients")

    async def run(self, errand: Errand) -> None:
        """One client's whole story."""
        began = self._site.profile.at(errand.at)
        await asyncio.sleep(began)
        twin = asyncio.get_running_loop().create_task(self._submit(errand)) if errand.twin else None
        job_id = await self._submit(errand)
        if twin is not None:
            await twin
        if errand.imposter and job_id is not None:
            await self._pretend(errand, began)
        for pause, act in errand.acts if job_id is not None else ():
            await asyncio.sleep(pause)
            seen = await self._seen_round(job_id or "") if act == "retry" else None
            await self.act(act, job_id or "", seen)

    async def put_unsendable(self) -> None:
        """Jobs that are due soon in a queue that is gone, one in each shard: somebody put them while it was there."""
        now = EPOCH_MS + round(self._site.kernel.now * 1000)
        for number in range(4 * SHARDS):
            job_id = f"nowhere-{self._site.profile.seed}-{number}"
            record = JobRecord(
                job_id=job_id,
                type="work",
                queue=NOWHERE,
                tenant="default",
                status=Status.SCHEDULED,
                max_attempts=1,
                created_at=now,
                purge_at=now // 1000 + 1 + self._site.profile.retention,
                payload="{}",
                metadata={"asked": job_id},
                scheduled_at=now,
                due=shard_of(job_id),
            )
            self._site.store.write(Enter(record=record), "world")

    async def send(self, parcel: Parcel) -> None:
        """Somebody else's message, straight into the queue."""
        await asyncio.sleep(self._site.profile.at(parcel.at))
        self._site.queues[0].send(parcel.letter)

    async def _submit(self, errand: Errand) -> str | None:
        """Repeats a request with a key until it is answered; without one only a little."""
        tries = 0
        while True:
            tries += 1
            asked = errand.key or f"{errand.name}.{tries}"
            try:
                accepted = await self._hand_in(errand, asked)
            except Unavailable:
                if errand.key is None:
                    self.ledger.refused.add(asked)
            except SendUnanswered as error:
                self._site.trace.note("client", asked, "may run as", error.job_id)
            except (NoAnswer, NotProvisioned, UnknownType) as error:
                self._site.trace.note("client", asked, repr(error))
            else:
                job_id = accepted.record.job_id
                self._site.trace.note("client", asked, "accepted as", job_id, "replayed" if accepted.replayed else "")
                self.ledger.accepted[asked].add(job_id)
                return job_id
            if errand.key is None and tries >= UNKEYED_TRIES:
                return None
            await asyncio.sleep(self._chance.uniform(0, 8))

    async def _hand_in(self, errand: Errand, asked: str) -> Accepted:
        request = _handed_in(errand, asked, self._site.profile)
        self._site.letters.handed_in(asked, request)
        is_long = errand.ahead is not None and errand.ahead > self._site.profile.horizon / 2

        async def submit(process: Process) -> Accepted:
            if process.is_ancient and (is_long or request.run_at is not None):
                raise TooOld
            return await process.submitter.submit(request)

        return await self.ask(submit)

    async def _pretend(self, errand: Errand, began: float) -> None:
        """Another body under a key that is taken, and stays so for a day; later it is a job like any other.

        So it has a name of its own: its letter must say what was asked for here, not by the imposter of another key.
        """
        other = replace(errand, payload='{"script": []}')
        try:
            accepted = await self._hand_in(other, f"imposter of {errand.key}")
        except (KeyReused, Unavailable, NoAnswer, NotProvisioned, UnknownType, SendUnanswered):
            return
        if self._site.kernel.now - began < KEY_LIFE_MS / 1000:
            self._site.witness.accuse("a key was honoured for another request:", accepted.record.job_id)

    async def act(self, act: str, job_id: str, round_number: int | None = None) -> JobRecord | None:
        """One request about a job, and what was answered, if that was no refusal; a retry may name its round."""
        try:
            match act:
                case "cancel":
                    record = await self.ask(partial(self._cancelled, job_id))
                case "retry":
                    record = await self._retry(job_id, round_number)
                case "reschedule" | "run now":
                    at = None if act == "run now" else self._time_for(job_id)
                    record = await self.ask(partial(self._rescheduled, job_id, at))
                case "reprioritise":
                    record = await self.ask(partial(self._reprioritised, job_id))
                case "wait":
                    record = await self.ask(lambda process: process.operator.wait(job_id, None, 20.0))
                    self._believe(record)
                case _:
                    record = await self.ask(lambda process: process.operator.show(job_id, None))
        except (CqworkerError, NoAnswer) as error:
            self._site.trace.note("client", act, job_id, repr(error))
            return None
        self._site.trace.note("client", act, job_id, record.status, record.round)
        return record

    async def _cancelled(self, job_id: str, process: Process) -> JobRecord:
        self._site.chronicle.cancel_asked_for(job_id, self._site.kernel.now)
        return await process.operator.cancel(job_id, None)

    async def _rescheduled(self, job_id: str, at: int | None, process: Process) -> JobRecord:
        if process.is_ancient:
            raise TooOld
        return await process.operator.reschedule(job_id, None, at)

    async def _reprioritised(self, job_id: str, process: Process) -> JobRecord:
        if job_id in self._site.store.records:
            self._site.letters.reprioritised.add(job_id)
        level = self._site.profile.stream(f"level {job_id} {self._site.kernel.now}").choice(
            ("high", "medium", "low", 9, 0)
        )
        return await process.operator.reprioritise(job_id, None, level)

    def _time_for(self, job_id: str) -> int:
        """Some time (epoch ms): often a round one that others name too, now and then one that is past."""
        site, chance = self._site, self._chance
        record = site.store.records.get(job_id)
        horizon = site.profile.horizon
        at = site.kernel.now + chance.choice((chance.uniform(-10, horizon), chance.uniform(0, 2 * horizon)))
        if record is not None and record.scheduled_at is not None and chance.random() < 0.2:
            return record.scheduled_at
        if chance.random() < 0.5:
            grid = max(5, horizon // 2)
            at = at // grid * grid
        return EPOCH_MS + round(at * 1000)

    async def _retry(self, job_id: str, number: int | None) -> JobRecord:
        self._site.letters.retried.add(job_id)
        if number is None:
            self.ledger.retries[job_id] += 1
        else:
            self.ledger.retried_rounds[job_id].add(number)
        record = await self.ask(lambda process: process.operator.retry(job_id, None, number))
        self.ledger.rounds[job_id] = max(self.ledger.rounds[job_id], record.round)
        return record

    async def _seen_round(self, job_id: str) -> int | None:
        if self._chance.random() < 0.5:
            return None
        try:
            return (await self.ask(lambda process: process.operator.show(job_id, None))).round
        except (CqworkerError, NoAnswer):
            return None

    def _believe(self, record: JobRecord) -> None:
        """An ending that a client was told must be the one that was written."""
        written = self._site.witness.endings.get((record.job_id, record.round))
        if record.status.is_final and written is not record.status:
            self._site.witness.accuse("a client was told", record.status, "but written was", written)

    async def ask(self, work: Callable[[Process], Coroutine[Any, Any, T]]) -> T:
        while (process := self._fleet.any()) is None:  # noqa: ASYNC110 - a look costs nothing in virtual time
            await asyncio.sleep(self._fleet.rest + 1)
        answer = await process.ask(lambda: work(process))
        if self._site.weather.harms("HTTP answer lost"):
            self._site.trace.fault("HTTP answer lost", process.name)
            raise NoAnswer
        return answer


def _handed_in(errand: Errand, asked: str, profile: Profile) -> Submission:
    """The request, which carries its own name wherever it goes, and is the same however often it is handed in."""
    delay, run_at = errand.delay, None
    if errand.ahead is not None and errand.by_time:
        delay, run_at = 0, EPOCH_MS + round((profile.at(errand.at) + errand.ahead) * 1000)
    elif errand.ahead is not None:
        delay = round(errand.ahead)
    return Submission(
        type=errand.type,
        queue=errand.queue,
        tenant=errand.tenant,
        payload=errand.payload,
        metadata={"asked": asked},
        tags=errand.tags,
        traceparent=errand.traceparent,
        delay_seconds=delay,
        run_at=run_at,
        max_attempts=errand.max_attempts,
        idempotency_key=errand.key,
        priority=profile.stream(f"level {errand.name}").choice(("high", "medium", "low", None))
        if profile.levels
        else None,
        limit_key=errand.limit_key if "key:*" in profile.slotted else None,
    )
