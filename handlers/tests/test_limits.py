"""image.grayscale: the process that decodes may be killed, and may not take all the memory."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cqworker import Reject, Retry
from cqworker_handlers import image
from cqworker_handlers.jpeg import read_jpeg
from handlers.tests.decoders import die, hang, score, spin

linux = pytest.mark.skipif(sys.platform != "linux", reason="address space is bounded on Linux alone")


@linux
async def test_a_picture_that_needs_too_much_memory_is_refused(studio: Any) -> None:
    data = studio.encoded(Image.effect_noise((300, 300), 90), "WEBP", lossless=True)
    with pytest.raises(Reject, match="needs more than 16 MiB of memory"):
        await studio.run(data, memory=16)


def repeated(data: bytes, scans: int) -> bytes:
    """A progressive JPEG whose last scan stands there so many times more; refinements may be repeated."""
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + data[-2:]


@pytest.mark.parametrize("kind", ["baseline", "progressive", "with a thumbnail"])
async def test_scans_are_counted_as_the_decoder_meets_them(studio: Any, kind: str) -> None:
    picture = Image.effect_noise((64, 64), 80).convert("RGB")
    plain = studio.encoded(picture, "JPEG", progressive=kind == "progressive")
    extra = {"exif": b"Exif\0\0" + plain} if kind == "with a thumbnail" else {}
    data = studio.encoded(picture, "JPEG", progressive=kind == "progressive", **extra)
    assert len(read_jpeg(data).scans) == (10 if kind == "progressive" else 1)
    assert read_jpeg(data + data).scans == read_jpeg(data).scans, "what stands behind the picture is none of it"


async def test_a_picture_of_many_scans_is_refused_before_it_is_decoded(studio: Any) -> None:
    data = studio.encoded(Image.effect_noise((64, 64), 80).convert("RGB"), "JPEG", progressive=True)
    assert (studio.gray(repeated(data, 80))).size == (64, 64)
    with pytest.raises(Reject, match="more than 100 scans"):
        await studio.run(repeated(data, 1000))


async def test_a_picture_that_needs_too_much_processor_time_is_refused_for_good(
    studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "to_gray", spin)
    monkeypatch.setattr(image, "MAX_CPU_TIME", 0.2)
    with pytest.raises(Reject, match=r"more than 0\.2 s of processor time"):
        await studio.run(b"anything")


@linux
async def test_where_memory_runs_out_the_process_that_decodes_goes_first(
    studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "to_gray", score)
    with pytest.raises(Reject, match=r"^1000\n"):
        await studio.run(b"anything")


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
    while not condition():  # noqa: ASYNC110 - what is waited for is another process
        await asyncio.sleep(0.01)
