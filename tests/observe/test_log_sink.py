"""One write a turn, and a sink that is full, slow or gone costs lines, never the daemon."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from cqworker.observe.log_sink import MAX_LINES, LogSink, NonBlockingOutput


class CountingStream(io.BytesIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.fault is not None:
            raise self.fault
        self.writes.append(data)
        return len(data)


def sink_on(stream: IO[bytes] | IO[str] | None) -> LogSink:
    return LogSink(NonBlockingOutput(stream), lambda dropped: b"dropped %d\n" % dropped)


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A reader and a writer; both may be closed before the end."""
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as reader, os.fdopen(theirs, "wb", buffering=0) as writer:
        yield reader, writer


async def test_the_lines_of_one_turn_are_one_write() -> None:
    stream = CountingStream()
    sink = sink_on(stream)
    for turn in range(2):
        for number in range(20):
            sink.info(b"%d-%d\n" % (turn, number))
        assert len(stream.writes) == turn
        await asyncio.sleep(0)
    assert [write.count(b"\n") for write in stream.writes] == [20, 20]


def test_without_a_loop_a_line_is_written_at_once() -> None:
    stream = CountingStream()
    sink_on(stream).info(b"now\n")
    assert stream.writes == [b"now\n"]


def test_a_loop_that_ended_early_leaves_nothing_unwritten() -> None:
    stream = CountingStream()
    sink = sink_on(stream)

    async def one_line() -> None:
        sink.info(b"first\n")

    with asyncio.Runner() as runner:
        runner.run(one_line())
    with asyncio.Runner() as runner:
        runner.run(one_line())
    sink.close(0)
    assert b"".join(stream.writes) == b"first\nfirst\n"


async def test_threads_lose_no_line_and_tear_none() -> None:
    stream = CountingStream()
    sink = sink_on(stream)
    threads = [
        threading.Thread(target=lambda name=name: [sink.info(b"%d/%d\n" % (name, n)) for n in range(500)])
        for name in range(4)
    ]
    for thread in threads:
        thread.start()
    for number in range(500):
        sink.info(b"9/%d\n" % number)
        await asyncio.sleep(0)
    for thread in threads:
        thread.join()
    sink.flush()
    lines = b"".join(stream.writes).split(b"\n")[:-1]
    assert sorted(lines) == sorted(b"%d/%d" % (name, n) for name in (0, 1, 2, 3, 9) for n in range(500))


def test_lines_of_one_thread_keep_their_order_in_a_file(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as file:
        sink = sink_on(file)
        for number in range(1000):
            sink.info(b"%d\n" % number)
    assert (tmp_path / "log").read_bytes().split() == [b"%d" % number for number in range(1000)]


def test_text_streams_and_no_stream_at_all_are_served() -> None:
    text = io.StringIO()
    sink_on(text).info("grün\n".encode())
    assert text.getvalue() == "grün\n"
    nowhere = sink_on(None)
    nowhere.info(b"x\n")
    assert nowhere.dropped == 1


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        sink = sink_on(full)
        for _ in range(3):
            sink.info(b"x\n")
    assert sink.dropped == 3


def test_a_closed_sink_costs_lines_and_nothing_else(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    sink = sink_on(writer)
    reader.close()
    sink.info(b"x\n")
    writer.close()
    sink.info(b"y\n")
    sink.close(0.1)
    assert sink.dropped == 2


def test_when_lines_flow_again_one_says_how_many_were_lost() -> None:
    stream = CountingStream()
    sink = sink_on(stream)
    stream.fault = OSError(errno.ENOSPC, "full")
    sink.info(b"lost\n")
    sink.info(b"lost\n")
    stream.fault = None
    sink.info(b"kept\n")
    sink.info(b"kept\n")
    assert stream.writes == [b"kept\n", b"dropped 2\n", b"kept\n"]


def test_a_reader_that_sleeps_blocks_nobody_and_gets_whole_lines_later(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    sink = sink_on(writer)
    for number in range(MAX_LINES * 3):
        sink.info(b"%0100d\n" % number)
    assert 0 < sink.dropped < MAX_LINES * 3
    read = threading.Thread(target=lambda: kept.extend(reader.readall().split(b"\n")[:-1]))  # type: ignore[attr-defined]
    kept: list[bytes] = []
    read.start()
    sink.close(30)
    writer.close()
    read.join()
    numbers = [int(line) for line in kept if not line.startswith(b"dropped")]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) + sink.dropped == MAX_LINES * 3
    assert kept[-1] == b"dropped %d" % sink.dropped


async def test_a_sink_that_was_full_is_tried_again_without_another_line(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    sink = sink_on(writer)
    for _ in range(100):
        sink.info(b"x" * 999 + b"\n")
    await asyncio.sleep(0)
    seen = len(await asyncio.to_thread(reader.read, 65_536))
    while seen < 100_000:
        seen += len(await asyncio.to_thread(reader.read, 65_536))
    assert seen == 100_000


def test_a_reader_that_never_comes_back_cannot_hold_up_the_end(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    sink = sink_on(pipe[1])
    for _ in range(1000):
        sink.info(b"x" * 999 + b"\n")
    sink.close(0.05)
    assert os.read(pipe[0].fileno(), 1000) == b"x" * 999 + b"\n"


def test_a_line_that_was_torn_is_ended_before_the_next() -> None:
    class Torn(NonBlockingOutput):
        answers: list[int | OSError] = [3, OSError(errno.ENOSPC, "full"), 100, 100]  # noqa: RUF012 - one test's script
        taken = b""

        def put(self, data: memoryview) -> int:
            answer = self.answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            self.taken += bytes(data[:answer])
            return min(answer, len(data))

    outlet = Torn(io.BytesIO())
    sink = LogSink(outlet, lambda dropped: b"dropped %d\n" % dropped)
    sink.info(b"abcdef\n")
    sink.info(b"next\n")
    assert outlet.taken == b"abc\nnext\ndropped 1\n"
