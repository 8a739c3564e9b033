"""The server's life: it starts, it answers, it leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
import uvloop

from cqworker.errors import CqworkerError
from cqworker.model.record import JobRecord
from cqworker.model.status import Status
from cqworker.web.server import CannotListen
from tests.patience import scaled
from tests.web.house import open_house, until


async def test_port_0_finds_a_free_port_and_tells_it() -> None:
    async with open_house() as house:
        assert house.port > 0
        assert (await house.get("/healthz"))[0] == 200


async def test_a_port_that_is_taken_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{port}.*http\.port") as caught:
            async with open_house(port=port):
                pass
    assert isinstance(caught.value, CqworkerError)


@pytest.mark.parametrize("host", ["::1", "[::1]", "localhost"])
async def test_every_way_to_write_loopback_is_listened_on(host: str) -> None:
    async with open_house(host=host) as house:
        assert house.port > 0


async def test_closing_leaves_no_task_and_no_connection_behind() -> None:
    before = asyncio.all_tasks()
    async with open_house() as house:
        job = await house.submit()
        waiting = [asyncio.create_task(house.get(f"/jobs/{job['job_id']}?wait=20")) for _ in range(3)]
        await until(lambda: house.waiters.waiting_for(job["job_id"]) == 3)
        _, idle = await asyncio.open_connection("127.0.0.1", house.port)
        await asyncio.wait_for(house.server.close(), scaled(5))
        assert await asyncio.gather(*waiting) == [(200, job)] * 3
        with pytest.raises(aiohttp.ClientConnectionError):
            await house.get("/healthz")
        idle.close()
    await until(lambda: asyncio.all_tasks() == before, 2)


async def test_a_request_that_runs_is_answered_before_the_server_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_house() as house:
        job = await house.submit()
        add, go_on = asyncio.Event(), asyncio.Event()
        record = house.store.records[job["job_id"]]

        async def slowly(_: object) -> JobRecord:
            add.set()
            await go_on.wait()
            return record

        monkeypatch.setattr(house.store, "get", slowly)
        answer = asyncio.create_task(house.get(f"/jobs/{job['job_id']}"))
        await add.wait()
        closing = asyncio.create_task(house.server.close())
        await asyncio.sleep(0.05)
        go_on.set()
        assert (await answer)[0] == 200
        await closing


async def test_it_starts_and_stops_many_times() -> None:
    for _ in range(20):
        async with open_house() as house:
            assert (await house.submit())["status"] == "QUEUED"


def test_everything_holds_on_uvloop_too() -> None:
    async def story() -> None:
        async with open_house(head_timeout=0.3, places=4) as house:
            job = await house.submit()
            waiting = asyncio.create_task(house.get(f"/jobs/{job['job_id']}?wait=20"))
            await until(lambda: house.waiters._waited)
            reader, silent = await asyncio.open_connection("127.0.0.1", house.port)
            assert await asyncio.wait_for(reader.read(), scaled(5)) == b""
            silent.close()
            house.rewrite(job["job_id"], Status.SUCCEEDED)
            assert (await waiting)[1]["status"] == "SUCCEEDED"
            assert (await house.get("/nowhere"))[0] == 404

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
