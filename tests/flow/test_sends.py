"""How sends travel: a lone one at once, many in tens, each answered for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from cqworker.aws.sqs.batched_sends import LINGER_SECONDS, BatchedSends
from cqworker.errors import CqworkerError, MessageTooLarge, SendUnanswered, Unavailable
from cqworker.events import ignore
from cqworker.health.monitored_ports import MonitoredQueue
from cqworker.health.service_health import ServiceHealth, queue_service
from cqworker.jobs.queue_directory import QueueDirectory
from cqworker.jobs.submission import Accepted, Submission
from cqworker.jobs.submit import Submitter
from cqworker.ports import Letter
from cqworker.testing import MemoryQueue, VirtualClock
from cqworker.worker.assembly import context_of
from tests.flow.faults import FaultyQueue, refused, unanswered, unavailable
from tests.flow.test_main_path import greet
from tests.flow.world import World, story


class Line(FaultyQueue):
    """A line to a queue in memory that writes down every request: when it left, and how many letters it carried."""

    def __init__(self, latency: float = 0.002) -> None:
        self.memory = MemoryQueue("jobs", VirtualClock())
        super().__init__(self.memory)
        self.latency = lambda: latency / 2
        self.requests: list[tuple[float, int]] = []

    @property
    def sizes(self) -> list[int]:
        return [size for _, size in self.requests]

    async def send(self, letter: Letter) -> None:
        self.requests.append((asyncio.get_running_loop().time(), 1))
        await super().send(letter)

    async def send_many(self, letters: Sequence[Letter]) -> Sequence[CqworkerError | None]:
        self.requests.append((asyncio.get_running_loop().time(), len(letters)))
        return await super().send_many(letters)


def about(moment: float) -> object:
    """Virtual time passes every timer by a microsecond."""
    return pytest.approx(moment, abs=1e-5)


def sending(sends: BatchedSends, *bodies: str) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(sends.send(Letter(body=body))) for body in bodies]


@story
async def test_a_lone_send_leaves_at_once() -> None:
    line = Line()
    began = asyncio.get_running_loop().time()
    await BatchedSends(line).send(Letter(body="alone"))
    assert line.requests == [(began, 1)]
    assert line.memory.bodies == ["alone"]


@story
async def test_sends_of_one_moment_travel_in_tens() -> None:
    line = Line()
    bodies = [str(number) for number in range(25)]
    await asyncio.gather(*sending(BatchedSends(line), *bodies))
    assert line.sizes == [10, 10, 5]
    assert line.memory.bodies == bodies


@story
async def test_while_one_is_under_way_sends_wait_three_milliseconds_for_company() -> None:
    line = Line(latency=1.0)
    sends = BatchedSends(line)
    began = asyncio.get_running_loop().time()
    [first] = sending(sends, "first")
    await asyncio.sleep(0.1)
    some = sending(sends, "a")
    await asyncio.sleep(LINGER_SECONDS / 2)
    some += sending(sends, "b", "c")
    await asyncio.gather(first, *some)
    assert line.requests == [(began, 1), (about(began + 0.1 + LINGER_SECONDS), 3)]


@story
async def test_when_nothing_is_under_way_any_more_who_waits_leaves() -> None:
    line = Line(latency=LINGER_SECONDS / 3)
    sends = BatchedSends(line)
    began = asyncio.get_running_loop().time()
    [first] = sending(sends, "first")
    await asyncio.sleep(LINGER_SECONDS / 6)
    await asyncio.gather(first, *sending(sends, "a", "b"))
    assert line.requests == [(began, 1), (about(began + LINGER_SECONDS / 3), 2)]


@story
async def test_ten_that_wait_leave_before_the_time_is_up() -> None:
    line = Line(latency=1.0)
    sends = BatchedSends(line)
    began = asyncio.get_running_loop().time()
    [first] = sending(sends, "first")
    await asyncio.sleep(0.1)
    await asyncio.gather(first, *sending(sends, *map(str, range(12))))
    assert line.requests == [(began, 1), (about(began + 0.1), 10), (about(began + 0.1 + LINGER_SECONDS), 2)]


@story
async def test_a_letter_that_is_refused_fails_its_own_send_alone() -> None:
    line = Line()
    first, large, last = await asyncio.gather(
        *sending(BatchedSends(line), "a", "x" * 1_048_577, "b"), return_exceptions=True
    )
    assert (first, last) == (None, None)
    assert isinstance(large, MessageTooLarge)
    assert line.memory.bodies == ["a", "b"]


@story
async def test_a_request_whose_answer_is_lost_is_ambiguous_for_each_of_its_sends() -> None:
    line = Line()
    line.on("send_many", unanswered)
    faults = await asyncio.gather(*sending(BatchedSends(line), "a", "b"), return_exceptions=True)
    assert [isinstance(fault, Unavailable) and fault.ambiguous for fault in faults] == [True, True]
    assert line.memory.bodies == ["a", "b"]


@story
async def test_a_request_that_was_refused_is_certain_for_each_of_its_sends() -> None:
    line = Line()
    line.on("send_many", refused)
    faults = await asyncio.gather(*sending(BatchedSends(line), "a", "b"), return_exceptions=True)
    assert [isinstance(fault, Unavailable) and fault.ambiguous for fault in faults] == [False, False]
    assert line.memory.bodies == []


@story
async def test_what_nobody_foresaw_is_told_to_each_sender() -> None:
    async def stumble(_: object) -> None:
        raise ZeroDivisionError("a mistake in the program")

    line = Line()
    line.on("send_many", stumble)
    faults = await asyncio.gather(*sending(BatchedSends(line), "a", "b"), return_exceptions=True)
    assert [type(fault) for fault in faults] == [ZeroDivisionError, ZeroDivisionError]


@story
async def test_who_gives_up_before_the_departure_takes_the_letter_along() -> None:
    line = Line(latency=1.0)
    sends = BatchedSends(line)
    [first] = sending(sends, "first")
    await asyncio.sleep(0.1)
    impatient, patient = sending(sends, "impatient", "patient")
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(first, patient)
    assert line.memory.bodies == ["first", "patient"]


@story
async def test_who_gives_up_on_the_way_leaves_the_others_where_they_are() -> None:
    line = Line(latency=1.0)
    impatient, patient = sending(BatchedSends(line), "impatient", "patient")
    await asyncio.sleep(0.1)
    impatient.cancel()
    await patient
    assert impatient.cancelled()
    assert line.memory.bodies == ["impatient", "patient"]


@story
async def test_a_request_carries_no_more_than_a_mebibyte() -> None:
    line = Line()
    await asyncio.gather(*sending(BatchedSends(line), *(letter * 400_000 for letter in "abcd")))
    assert line.sizes == [2, 2]
    assert [body[0] for body in line.memory.bodies] == ["a", "b", "c", "d"]


def office(world: World) -> tuple[Line, Submitter]:
    """A desk that submits through sends that travel together."""
    line, ground = Line(), world.office.ground
    submitter = Submitter(
        context_of(ground, world.office.settings),
        ground.registry,
        QueueDirectory({"jobs": BatchedSends(line)}, world.other_queue),
        ground.artifacts,
        inline_limit=4096,
    )
    return line, submitter


@story
async def test_five_hundred_jobs_cost_fifty_sends_and_five_hundred_puts() -> None:
    world = World({"greet": greet})
    line, submitter = office(world)
    answers = await submitter.submit_many([Submission(type="greet", payload=f'{{"n":{n}}}') for n in range(500)])
    jobs = [answer.record for answer in answers if isinstance(answer, Accepted)]
    assert [job.payload for job in jobs] == [f'{{"n":{n}}}' for n in range(500)]
    assert line.sizes == [10] * 50
    assert world.office.store.calls == ["Enter"] * 500


@story
async def test_many_who_submit_by_themselves_share_their_sends() -> None:
    world = World({"greet": greet})
    line, submitter = office(world)
    chance = Random(7)
    line.latency = world.office.store.latency = lambda: chance.uniform(0.0005, 0.01)

    async def submit_twenty() -> None:
        for _ in range(20):
            await submitter.submit(Submission(type="greet", payload="{}"))

    await asyncio.gather(*(submit_twenty() for _ in range(50)))
    assert len(line.memory.bodies) == 1000
    assert len(line.sizes) <= 200


@story
async def test_each_job_of_a_lost_request_is_named_by_its_own_id() -> None:
    world = World({"greet": greet})
    line, submitter = office(world)
    line.on("send_many", unanswered)
    answers = await submitter.submit_many([Submission(type="greet", payload="{}")] * 12)
    lost = [answer.job_id for answer in answers if isinstance(answer, SendUnanswered)]
    assert len(set(lost)) == 10
    assert all(any(job_id in body for body in line.memory.bodies) for job_id in lost)
    assert [isinstance(answer, Accepted) for answer in answers] == [False] * 10 + [True] * 2


@story
async def test_one_job_that_is_refused_keeps_none_of_the_others() -> None:
    world = World({"greet": greet})
    _, submitter = office(world)
    kinds = ("greet", "no such type", "greet")
    first, second, third = await submitter.submit_many([Submission(type=kind, payload="{}") for kind in kinds])
    assert isinstance(first, Accepted)
    assert isinstance(second, CqworkerError)
    assert isinstance(third, Accepted)


@story
async def test_a_service_that_is_away_is_told_for_each_job() -> None:
    world = World({"greet": greet})
    line, submitter = office(world)
    line.away = refused
    answers = await submitter.submit_many([Submission(type="greet", payload="{}")] * 3)
    assert [str(answer) for answer in answers] == [str(unavailable(ambiguous=False))] * 3
    assert world.office.store.calls == []


@story
async def test_a_service_that_fails_at_one_letter_of_many_is_in_trouble_until_it_takes_one() -> None:
    async def fail_at_the_first(_: object) -> list[CqworkerError | None]:
        return [unavailable(ambiguous=False), None]

    line, health = Line(), ServiceHealth(VirtualClock(), ignore, ())
    sends = BatchedSends(MonitoredQueue(line, health))
    line.on("send_many", fail_at_the_first)
    await asyncio.gather(*sending(sends, "a", "b"), return_exceptions=True)
    assert health.is_away(queue_service("jobs"))
    await asyncio.gather(*sending(sends, "a", "b"))
    assert not health.is_away(queue_service("jobs"))
