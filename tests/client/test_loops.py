"""One client in any number of event loops, or a sentence that says how; Jupyter's cells, threads, pytest's loops."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from cqworker.client import Client, ClientNotOpen, CqworkerError
from cqworker.client.transport import Transport
from tests.client.scripted import job, scripted
from tests.patience import scaled

CELLS = re.findall(
    r"^```python\n(.*?)^```",
    (Path(__file__).parents[2] / "docs" / "client.md")
    .read_text("utf-8")
    .partition("## Jupyter")[2]
    .partition("\n## ")[0],
    re.DOTALL | re.MULTILINE,
)


class Door:
    """Opens transports that know the loop they belong to, and counts."""

    def __init__(self) -> None:
        self.opened: list[asyncio.AbstractEventLoop] = []
        self.closed: list[asyncio.AbstractEventLoop] = []

    def __call__(self) -> AbstractAsyncContextManager[Transport]:
        return self._opening()

    @asynccontextmanager
    async def _opening(self) -> AsyncIterator[Any]:
        await asyncio.sleep(0)
        self.opened.append(asyncio.get_running_loop())
        yield Bound(asyncio.get_running_loop())
        await asyncio.sleep(0)
        self.closed.append(asyncio.get_running_loop())


class Bound:
    """A transport that works on its own loop alone, as a session of aiohttp does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def upload(self, data: bytes, content_type: str) -> str:
        assert asyncio.get_running_loop() is self._loop
        return f"artifact:{len(data)}{content_type[:0]}"


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def client(door: Door) -> Client:
    return Client(door)


async def use(client: Client) -> str:
    async with client:
        return await client.upload(b"xyz")


def test_one_client_serves_one_asyncio_run_after_another(client: Client, door: Door) -> None:
    assert [asyncio.run(use(client)) for _ in range(3)] == ["artifact:3"] * 3
    assert door.opened == door.closed
    assert len(set(door.opened)) == 3


def test_a_loop_that_ended_with_the_client_open_hinders_no_other(client: Client, door: Door) -> None:
    asyncio.run(client.open())
    assert asyncio.run(use(client)) == "artifact:3"
    assert len(door.opened) == 2


def test_threads_have_a_loop_each_at_the_same_time(client: Client, door: Door) -> None:
    together, told = threading.Barrier(4), list[str]()

    async def story() -> None:
        async with client:
            await asyncio.to_thread(together.wait, scaled(10))
            told.append(await client.upload(b"xyz"))
            await asyncio.to_thread(together.wait, scaled(10))

    threads = [threading.Thread(target=lambda: asyncio.run(story())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(20))
    assert told == ["artifact:3"] * 4
    assert len(door.closed) == 4


async def test_tasks_of_one_loop_share_what_is_open(client: Client, door: Door) -> None:
    assert await asyncio.gather(*(use(client) for _ in range(10))) == ["artifact:3"] * 10
    assert (len(door.opened), len(door.closed)) == (1, 1)


async def test_who_leaves_closes_nothing_under_those_who_stay(client: Client) -> None:
    async with client:
        await use(client)
        assert await client.upload(b"xyz") == "artifact:3"


async def test_a_client_can_be_opened_and_closed_without_a_block(client: Client, door: Door) -> None:
    assert await client.open() is client
    assert await client.upload(b"xyz") == "artifact:3"
    await client.close()
    await client.close()
    assert len(door.closed) == 1
    with pytest.raises(ClientNotOpen, match="The client is not open: write `async with client:`"):
        await client.upload(b"xyz")


async def test_an_opening_that_fails_leaves_the_client_as_it_was(door: Door) -> None:
    openings: Iterator[Any] = iter([_Broken(), door()])
    client = Client(lambda: next(openings))
    with pytest.raises(OSError, match="no way"):
        await client.open()
    assert await use(client) == "artifact:3"


class _Broken:
    async def __aenter__(self) -> Any:
        raise OSError("no way")

    async def __aexit__(self, *_: object) -> None: ...


async def test_a_client_that_was_opened_in_another_loop_says_how_to_open_it_here(client: Client) -> None:
    """A fixture of a session, a thread beside it."""
    await client.open()

    def elsewhere() -> None:
        asyncio.run(client.upload(b"xyz"))

    with pytest.raises(ClientNotOpen, match=r"opened in another event loop.*async with client:.* in this loop too"):
        await asyncio.to_thread(elsewhere)
    with pytest.raises(ClientNotOpen, match="opened in another event loop"):
        await asyncio.to_thread(lambda: asyncio.run(client.close()))
    await client.close()


def test_a_client_that_was_opened_in_a_loop_that_has_ended_says_so(client: Client) -> None:
    asyncio.run(client.open())
    with pytest.raises(ClientNotOpen, match="opened in an event loop that has ended") as caught:
        asyncio.run(client.upload(b"xyz"))
    assert isinstance(caught.value, CqworkerError | RuntimeError)


def test_a_block_without_async_says_what_is_missing(client: Client) -> None:
    with pytest.raises(TypeError, match="write `async with` in place of `with`"), client:
        pass


@contextmanager
def serving_in_a_thread() -> Iterator[str]:
    """A server of jobs on a loop of its own."""
    urls: Queue[str] = Queue()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with scripted(job()) as server:
            urls.put(server.url)
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    yield urls.get(timeout=scaled(10))
    loop.call_soon_threadsafe(over.set)
    thread.join(scaled(10))
    loop.close()


def test_over_http_one_client_serves_one_asyncio_run_after_another() -> None:
    with serving_in_a_thread() as url:
        client = Client.http(url)

        async def story() -> str:
            async with client:
                return (await client.get("j1")).job_id

        assert [asyncio.run(story()) for _ in range(3)] == ["j1"] * 3


async def test_the_cells_of_the_page_run_in_jupyter_one_after_another() -> None:
    """A notebook awaits at the top level of a cell, each cell a task of the one loop that runs all the time."""
    async with scripted(job(), job("SUCCEEDED")) as server:
        space: dict[str, Any] = {}
        for cell in CELLS:
            code = compile(
                cell.replace("http://127.0.0.1:8080", server.url), "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            )

            async def run(code: Any = code) -> None:
                ran = eval(code, space)
                if inspect.isawaitable(ran):
                    await ran

            await asyncio.create_task(run())
    assert len(CELLS) >= 2
    assert server.heard[0] == "POST /jobs"
