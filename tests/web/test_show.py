"""Looking at a job, and waiting for its end."""

from __future__ import annotations

import asyncio

import pytest

from cqworker.client import Client
from cqworker.model.status import Status
from tests.patience import scaled
from tests.stopwatch import Stopwatch
from tests.web.house import House, away, until


async def test_an_unknown_job_is_404_and_named(house: House) -> None:
    status, problem = await house.get("/jobs/nobody")
    assert (status, problem["type"]) == (404, "urn:cqworker:problem:job-not-found")
    assert problem["job_id"] == "nobody"


@pytest.mark.parametrize("job_id", ["x" * 65, "%00", "%ff%fe", "a%2Fb", "%ED%A0%80", "😀", "{job_id}"])
async def test_an_id_that_no_job_has_is_404(house: House, job_id: str) -> None:
    for path in (f"/jobs/{job_id}", f"/jobs/{job_id}/artifact"):
        status, problem = await house.get(path)
        assert (status, problem["status"]) == (404, 404)


NO_WAITS = "21 -1 NaN inf 2e1.5 1e2 1e999 -0.1 abc +5 .5 5. 1_0 \u0661 5&wait=6".split()


@pytest.mark.parametrize("wait", ["", *NO_WAITS])
async def test_a_wait_that_is_no_number_of_seconds_up_to_20_is_400(house: House, wait: str) -> None:
    job = await house.submit()
    status, problem = await house.get(f"/jobs/{job['job_id']}?wait={wait}")
    assert status == 400
    assert "?wait=20" in problem["detail"]


@pytest.mark.parametrize("wait", ["0", "0.0", "-0", "1e-05", "2.5e-7", "0E1", "00"])
async def test_a_wait_is_any_spelling_of_a_number(house: House, wait: str) -> None:
    job = await house.submit()
    assert await house.get(f"/jobs/{job['job_id']}?wait={wait}") == (200, job)


async def test_a_wait_ends_with_the_job(house: House) -> None:
    job = await house.submit()
    waiting = asyncio.create_task(house.get(f"/jobs/{job['job_id']}?wait=20"))
    await until(lambda: house.waiters._waited)
    house.rewrite(job["job_id"], Status.SUCCEEDED, result='{"n":1}')
    status, shown = await asyncio.wait_for(waiting, scaled(2))
    assert (status, shown["status"], shown["result"]) == (200, "SUCCEEDED", {"n": 1})


async def test_a_wait_for_a_finished_job_answers_at_once(house: House) -> None:
    job = await house.submit()
    house.rewrite(job["job_id"], Status.FAILED)
    watch = Stopwatch()
    assert (await house.get(f"/jobs/{job['job_id']}?wait=20"))[1]["status"] == "FAILED"
    assert watch.seconds < 1


async def test_a_wait_whose_time_is_up_shows_the_job_as_it_is(house: House) -> None:
    job = await house.submit()
    assert await house.get(f"/jobs/{job['job_id']}?wait=0.2") == (200, job)


async def test_a_wait_for_nobody_is_404_at_once(house: House) -> None:
    assert (await asyncio.wait_for(house.get("/jobs/nobody?wait=20"), scaled(2)))[0] == 404


async def test_a_client_that_goes_away_ends_its_wait(house: House) -> None:
    job = await house.submit()
    _, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(f"GET /jobs/{job['job_id']}?wait=20 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await until(lambda: house.waiters._waited)
    writer.close()
    await until(lambda: not house.waiters._waited)


async def test_those_who_wait_are_let_go_with_the_job_as_it_is_when_the_house_grows_quiet(house: House) -> None:
    job = await house.submit()
    path = f"/jobs/{job['job_id']}?wait=20"
    waiting = [asyncio.create_task(house.get(path)) for _ in range(5)]
    await until(lambda: house.waiters.waiting_for(job["job_id"]) == 5)
    house.server.quiet()
    assert await asyncio.wait_for(asyncio.gather(*waiting), scaled(2)) == [(200, job)] * 5
    assert await asyncio.wait_for(house.get(path), scaled(2)) == (200, job)
    assert (await house.submit())["status"] == "QUEUED"


async def test_a_store_that_is_away_is_503_with_the_cure(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: object) -> None:
        raise away("dynamodb")

    job = await house.submit()
    monkeypatch.setattr(house.store, "get", refuse)
    for path in (f"/jobs/{job['job_id']}", f"/jobs/{job['job_id']}?wait=5"):
        status, problem = await house.get(path)
        assert (status, problem["service"]) == (503, "dynamodb")
        assert "Look at its endpoint." in problem["detail"]


async def test_head_answers_like_get_without_the_body(house: House) -> None:
    job = await house.submit()
    async with house.client.head(f"/jobs/{job['job_id']}") as answer:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) > 100
        assert await answer.read() == b""


async def test_whole_numbers_beyond_64_bits_are_shown_to_the_digit(house: House) -> None:
    job = await house.submit()
    number = 12_345_678_901_234_567_890_123
    house.rewrite(job["job_id"], Status.SUCCEEDED, result=f'{{"n":{number}}}')
    async with Client.http(f"http://127.0.0.1:{house.port}") as client:
        assert (await client.get(job["job_id"])).result == {"n": number}
