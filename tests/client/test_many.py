"""Many jobs at once: each for itself, in requests of a bearable size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cqworker.client import JobView, NewJob
from cqworker.client.chunking import chunks, submit_in_chunks
from cqworker.client.transport import SubmitResult
from cqworker.errors import (
    CqworkerError,
    InvalidPayload,
    KeyReused,
    MessageTooLarge,
    SendUnanswered,
    SubmissionRefused,
    Unavailable,
    UnknownType,
)
from tests.client.shop import TEXT, TYPE, WAYS, Shop, open_shop
from tests.web.house import away


async def test_each_of_many_jobs_is_answered_for_itself_and_in_order(shop: Shop) -> None:
    jobs = [
        NewJob(TYPE, {"text": "a"}, tags=["t"], delay=5),
        NewJob("text.tranform", TEXT),
        NewJob(TYPE, {"text": 7}),
        NewJob(TYPE, {"text": float("inf")}),
        NewJob(TYPE, TEXT, tags=[""]),
        NewJob(TYPE, {"text": "b"}, key="b"),
        NewJob(TYPE, {"text": "c"}, key="b"),
    ]
    first, unknown, invalid, unwritable, limits, last, reused = await shop.client.submit_many(iter(jobs))
    assert isinstance(first, JobView)
    assert (first.payload, first.tags) == ({"text": "a"}, ("t",))
    assert isinstance(last, JobView)
    assert await shop.client.submit(TYPE, {"text": "b"}, key="b") == last
    assert [type(error) for error in (unknown, invalid, unwritable, limits, reused)] == [
        UnknownType,
        InvalidPayload,
        SubmissionRefused,
        SubmissionRefused,
        KeyReused,
    ]
    assert isinstance(invalid, InvalidPayload)
    assert invalid.faults[0].pointer == "/text"
    assert str(limits).startswith("/tags/0: ")
    assert len(shop.house.queue.bodies) == 2


async def test_more_jobs_than_a_request_takes_are_submitted_all_the_same(shop: Shop) -> None:
    answers = await shop.client.submit_many(NewJob(TYPE, {"text": str(number)}) for number in range(1101))
    texts = [answer.payload["text"] for answer in answers if isinstance(answer, JobView)]
    assert texts == [str(number) for number in range(1101)]
    assert len(shop.house.queue.bodies) == 1101


async def test_no_jobs_are_no_request(shop: Shop) -> None:
    assert await shop.client.submit_many([]) == []


BIG_JOBS = [NewJob(TYPE, {"text": text}) for text in ("x" * 600_000, "y" * 1_100_000, "z" * 600_000)]


async def test_big_jobs_travel_apart_and_one_too_big_for_the_daemon_is_refused_alone() -> None:
    async with open_shop("over HTTP") as shop:
        first, large, last = await shop.client.submit_many(BIG_JOBS)
    assert (type(first), type(large), type(last)) == (JobView, MessageTooLarge, JobView)


async def test_straight_to_the_queue_a_big_job_goes_by_way_of_the_artifacts() -> None:
    async with open_shop("straight") as shop:
        answers = await shop.client.submit_many(BIG_JOBS)
        references = [answer.payload_ref for answer in answers if isinstance(answer, JobView)]
        assert len(references) == 3
        assert set(references) == set(shop.house.artifacts.objects)


@pytest.mark.parametrize("max_body", [1024, 5000, 100_000])
async def test_a_daemon_that_takes_less_is_given_less(max_body: int) -> None:
    async with open_shop("over HTTP", max_body=max_body) as shop:
        jobs = [NewJob(TYPE, {"text": f"{number:200}"}) for number in range(300)]
        answers = await shop.client.submit_many(jobs)
        texts = [answer.payload["text"] for answer in answers if isinstance(answer, JobView)]
        assert texts == [f"{number:200}" for number in range(300)]


@pytest.mark.parametrize("way", WAYS)
async def test_what_the_queue_does_is_told_for_each_job(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([away(ambiguous=True), away(), None])

    async def stumble(_: object) -> None:
        if (fault := next(faults)) is not None:
            raise fault

    async with open_shop(way) as shop:
        monkeypatch.setattr(shop.house.queue, "send", stumble)
        lost, refused, accepted = await shop.client.submit_many([NewJob(TYPE, TEXT)] * 3)
    assert isinstance(lost, SendUnanswered)
    assert lost.job_id in str(lost)
    assert isinstance(refused, Unavailable)
    assert isinstance(accepted, JobView)


class Script:
    """A transport that answers as a test says; the bodies are the jobs."""

    def __init__(self, *faults: CqworkerError | None) -> None:
        self.faults = list(faults)
        self.asked: list[list[bytes]] = []

    async def submit_many(self, bodies: Sequence[bytes]) -> list[SubmitResult]:
        self.asked.append(list(bodies))
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault
        return [{"job_id": body} for body in bodies]


async def told(transport: Any, *jobs: bytes | CqworkerError) -> list[SubmitResult]:
    return [answer async for answer in submit_in_chunks(transport, jobs)]


GONE = Unavailable("sqs", "It is away.", "Wait.")
BIG = MessageTooLarge("That is more than is taken.")


async def test_the_first_request_that_fails_as_a_whole_is_an_error() -> None:
    with pytest.raises(Unavailable):
        await told(Script(GONE), *[b"x"] * 501)


async def test_a_later_request_that_fails_as_a_whole_keeps_what_was_accepted() -> None:
    answers = await told(Script(None, GONE), *[b"x"] * 1001)
    assert answers == [{"job_id": b"x"}] * 500 + [GONE] * 500 + [{"job_id": b"x"}]


async def test_what_could_not_be_written_is_answered_in_its_place_and_never_sent() -> None:
    script, refusal = Script(), SubmissionRefused("no JSON")
    assert await told(script, refusal, b"x", refusal) == [refusal, {"job_id": b"x"}, refusal]
    assert script.asked == [[b"x"]]
    assert await told(script, refusal) == [refusal]


async def test_a_half_that_fails_after_the_other_was_accepted_does_not_hide_it() -> None:
    answers = await told(Script(BIG, None, GONE), b"a", b"b", b"c", b"d")
    assert answers == [{"job_id": b"a"}, {"job_id": b"b"}, GONE, GONE]


def test_a_portion_has_at_most_five_hundred_jobs_and_a_megabyte() -> None:
    assert [len(chunk) for chunk in chunks([b"x"] * 1201)] == [500, 500, 201]
    assert [len(chunk) for chunk in chunks([b"x" * 300_000] * 7)] == [3, 3, 1]
    assert [len(chunk) for chunk in chunks([b"x" * 2_000_000] * 2)] == [1, 1]
