"""The network between a process and the services: late, lossy, and at times cut."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from cqworker.errors import Concern, Unavailable
from tests.simulation.kernel import Guest
from tests.simulation.profile import CALL_FAULTS, Profile
from tests.simulation.trace import Trace

T = TypeVar("T")
DEADLINE = 15.0
"""Seconds after which a call is given up, as the AWS room does."""
GHOST_LIFE = 40.0
"""Seconds for which a request may wander through the network and be carried out all the same."""
OUTAGE = 0.9
REFUSED = "refused"
RESET_WITHIN = 1.0
BRIEF = 0.5
"""Seconds of a call that is no disturbance yet."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: to which service, doing what, and about whom; `reads` leave nothing behind."""

    service: str
    name: str
    about: str
    reads: bool = False
    deadline: float = DEADLINE

    def __str__(self) -> str:
        return f"{self.service}.{self.name} {self.about}"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a request: seconds there and back, when it is carried out after that, and what comes back."""

    kind: str | None
    there: float
    back: float
    applied: tuple[float, ...] = (0.0,)
    answered: bool = True
    refused: bool = False
    outage: bool = False


class Weather:
    """Draws fates; an outage is one service away for all, a partition all services away for one process.

    In a blackout services are away for all, and no call slips through.
    """

    def __init__(self, profile: Profile) -> None:
        self._chance = profile.stream("network")
        self._rates = [(kind, profile.rates[kind]) for kind in CALL_FAULTS if kind in profile.rates]
        self._others = dict(profile.rates)
        self.away: set[str] = set()
        self.dark: set[str] = set()

    def clear(self) -> None:
        """No faults from here on."""
        self._rates = []
        self._others = {}
        self.away.clear()
        self.dark.clear()

    def fate(self, call: Call, process: str) -> Fate:
        chance = self._chance
        if call.service in self.dark:
            return replace(self._faulty(chance.choice(("throttled", "lost before")), call), outage=True)
        if (call.service in self.away or process in self.away) and chance.random() < OUTAGE:
            return self._faulty(chance.choice(("throttled", "lost before", "lost after")), call)
        for kind, rate in self._rates:
            if chance.random() < rate:
                return self._faulty(kind, call)
        return Fate(None, self._latency(), self._latency())

    def harms(self, kind: str) -> bool:
        """Whether something beside the calls goes wrong this time."""
        return self._chance.random() < self._others.get(kind, 0.0)

    def _latency(self) -> float:
        return 0.001 + min(self._chance.expovariate(150), 0.1)

    def _wandering(self) -> float:
        return self._chance.uniform(0.1, self._chance.choice((2.0, GHOST_LIFE)))

    def _faulty(self, kind: str, call: Call) -> Fate:
        chance, there, back = self._chance, self._latency(), self._latency()
        given_up = call.deadline if chance.random() < 0.3 else there + chance.uniform(0, RESET_WITHIN)
        if call.reads and kind in ("late", "twice", "ghost"):
            kind = "lost before"
        match kind:
            case "throttled":
                return Fate(kind, there, back, (), refused=True)
            case "lost before":
                return Fate(kind, there, given_up - there, (), answered=False)
            case "lost after":
                return Fate(kind, there, given_up - there, answered=False)
            case "late":
                late = given_up - there + self._wandering()
                return Fate(kind, there, given_up - there, (late,), answered=False)
            case "twice":
                return Fate(kind, there, back + 0.1, (0.0, 0.1))
            case "ghost":
                return Fate(kind, there, back, (0.0, self._wandering()))
            case _:
                return Fate(kind, there, min(call.deadline - 1, chance.uniform(1, 12)))


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that did not go as it should, from when to when."""

    kind: str
    call: Call
    began: float
    ended: float
    outage: bool = False


class Link:
    """One process's side of the network; it remembers its troubles, for the witness asks who is excused."""

    def __init__(
        self, process: str, world: Guest, weather: Weather, trace: Trace, accuse: Callable[[str, Call], None]
    ) -> None:
        self.process = process
        self._world = world
        self._weather = weather
        self._trace = trace
        self.troubles: deque[Trouble] = deque(maxlen=10_000)
        self.unanswered: dict[str, float] = {}
        self.swallowed: Callable[[Call], None] = lambda _: None
        self.refused: set[str] = set()
        """The calls that this process has no right to."""
        self.accuse = accuse

    async def call(self, call: Call, serve: Callable[[], T]) -> T:
        """Carries a request out on the other side and brings its answer. Raises Unavailable."""
        fate = self._begin(call)
        caller, answers = asyncio.get_running_loop(), list[T]()
        answer: asyncio.Future[T] = caller.create_future()
        for delay in fate.applied:
            self._world.call_later(fate.there + delay, lambda: answers.append(serve()))
        self._world.call_later(fate.there + fate.back, partial(self._answer, call, fate, caller, answer, answers))
        return await answer

    async def ask(self, call: Call, serve: Callable[[], Awaitable[T]]) -> T:
        """The same for a request that takes its time on the other side."""
        fate = self._begin(call)
        caller = asyncio.get_running_loop()
        answer: asyncio.Future[T] = caller.create_future()

        async def travel() -> None:
            await asyncio.sleep(fate.there)
            answers = [await serve()] if fate.applied else []
            await asyncio.sleep(fate.back)
            self._answer(call, fate, caller, answer, answers)

        self._world.create_task(travel())
        return await answer

    def troubled(self, call: Call) -> None:
        """An entry of a request failed while the others were done."""
        now = self._world.time()
        self.troubles.append(Trouble("entry fault", call, now, now))

    def _begin(self, call: Call) -> Fate:
        fate = self._weather.fate(call, self.process)
        if call.name in self.refused:
            fate = Fate(REFUSED, fate.there, fate.there, (), refused=True)
        if fate.kind is None:
            self._trace.note(self.process, call)
        else:
            self._trace.fault(fate.kind, self.process, call)
            now = self._world.time()
            ended = now + fate.there + fate.back
            self.troubles.append(Trouble(fate.kind, call, now, ended, fate.outage))
        self.unanswered.pop(call.about, None)
        if not fate.answered or fate.refused or fate.back > BRIEF:
            self.unanswered[call.about] = self._world.time() + fate.there + fate.back
        return fate

    def _swallow(self, call: Call, fate: Fate, answers: list[Any]) -> None:
        """Messages were handed out to a receive that nobody waits for any more."""
        if call.name == "receive" and fate.kind is None and answers and answers[-1]:
            self.swallowed(call)

    def _answer(
        self, call: Call, fate: Fate, caller: asyncio.AbstractEventLoop, answer: asyncio.Future[T], answers: list[T]
    ) -> None:
        if caller.is_closed():
            self._swallow(call, fate, answers)
        caller.call_soon(self._deliver, call, fate, answer, answers)

    def _deliver(self, call: Call, fate: Fate, answer: asyncio.Future[T], answers: list[T]) -> None:
        if answer.done():
            self._swallow(call, fate, answers)
        elif fate.refused:
            concerns: Concern = "right" if fate.kind == REFUSED else "service"
            answer.set_exception(Unavailable(call.service, f"{fate.kind}: {call}", "", concerns=concerns))
        elif not fate.answered or not answers:
            answer.set_exception(Unavailable(call.service, f"unanswered: {call}", "", ambiguous=True))
        else:
            answer.set_result(answers[-1])
