"""image.grayscale: the process that decodes may be killed, and may not take all the memory."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_process
import pytest
from PIL import Image

from cqworker import Reject, Retry
from cqworker_handlers import image, pixels
from cqworker_handlers.memory import bounded_memory

MEBIBYTE = 1_048_576
linux = pytest.mark.skipif(sys.platform != "linux", reason="address space is bounded on Linux alone")


def die(data: bytes) -> None:
    os._exit(1)


def hang(data: bytes) -> None:
    """Says in the file that `data` names which process it hangs in."""
    Path(data.decode()).write_text(f"{os.getpid()}.", encoding="ascii")
    time.sleep(600)


def take(extra: int, wanted: int) -> tuple[bool, int]:
    """Whether the memory was refused, and the limit afterwards."""
    try:
        with bounded_memory(extra):
            bytearray(wanted)
    except MemoryError:
        return True, resource.getrlimit(resource.RLIMIT_AS)[0]
    return False, resource.getrlimit(resource.RLIMIT_AS)[0]


@linux
@pytest.mark.parametrize(("wanted", "is_refused"), [(10 * MEBIBYTE, False), (500 * MEBIBYTE, True)])
async def test_memory_beyond_the_bound_is_refused_and_the_bound_taken_back(wanted: int, is_refused: bool) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)[0]
    assert await anyio.to_process.run_sync(take, 100 * MEBIBYTE, wanted) == (is_refused, before)


@linux
async def test_a_picture_that_needs_too_much_memory_is_refused(studio: Any) -> None:
    data = studio.encoded(Image.new("RGB", (4000, 4000)), "PNG")
    with pytest.raises(Reject, match="memory"):
        await anyio.to_process.run_sync(_to_gray_within, data, MEBIBYTE)


@linux
async def test_where_memory_runs_out_the_process_that_decodes_goes_first(studio: Any) -> None:
    data = studio.encoded(Image.new("RGB", (4, 4)), "PNG")
    assert await anyio.to_process.run_sync(_score_after, data) == "1000"


def _score_after(data: bytes) -> str:
    pixels.to_gray(data)
    return Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip()


def _to_gray_within(data: bytes, bound: int) -> None:
    pixels.MAX_MEMORY = bound  # type: ignore[misc]  # in the child alone
    pixels.to_gray(data)


async def test_a_decoder_that_dies_is_tried_again(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "to_gray", die)
    with pytest.raises(Retry, match="died"):
        await studio.run(b"anything")


async def test_a_decoder_that_hangs_is_killed_with_its_job(
    studio: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(image, "to_gray", hang)
    told = tmp_path / "pid"
    running = asyncio.create_task(studio.run(str(told).encode()))
    await until(lambda: told.exists() and told.read_text().endswith("."))
    pid = int(told.read_text().removesuffix("."))
    assert is_there(pid)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not is_there(pid))


def is_there(pid: int) -> bool:
    """Whether there is such a process, if only one that nobody waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.01)
