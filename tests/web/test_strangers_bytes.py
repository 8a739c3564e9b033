"""Whatever a stranger's bytes are, and however he leaves: an answer where one can be read, and no line in our log."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import struct
import zlib
from collections.abc import AsyncIterator

import pytest
import uvloop

from cqworker.events import RequestFailed
from tests.patience import scaled
from tests.web.bombs import spaces
from tests.web.house import House, open_house, token, until
from tests.web.raw import exchange, read_answer, wire

HOST = b"Host: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
JOB = b'{"type": "text.transform", "payload": {"text": "x"}}'
LAST = b"0\r\n\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(body: bytes, *headers: bytes, length: int | None = None, path: bytes = b"/jobs") -> bytes:
    said = b"" if CHUNKED in headers else b"Content-Length: %d\r\n" % (len(body) if length is None else length)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + said + b"".join(headers) + b"\r\n" + body


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def encoded(coding: bytes, body: bytes, *, path: bytes = b"/jobs") -> bytes:
    return post(body, b"Content-Encoding: " + coding + b"\r\n", path=path)


GZIP = gzip.compress(JOB)
BARE = zlib.compressobj(wbits=-15)
RAW_DEFLATE = BARE.compress(JOB) + BARE.flush()
GARBAGE = bytes(range(256)) * 40

ANSWERED = {
    "gzip that is none": (encoded(b"gzip", b"this is no gzip"), 400),
    "gzip that breaks in the midst": (encoded(b"gzip", gzip.compress(GARBAGE, 0)[:2000] + GARBAGE), 400),
    "gzip that ends early": (encoded(b"gzip", GZIP[:-9]), 400),
    "gzip with something behind it": (encoded(b"gzip", GZIP + b"more"), 400),
    "gzip with a wrong checksum": (encoded(b"gzip", GZIP[:-8] + b"\0" * 8), 400),
    "gzip that goes on after it broke": (encoded(b"gzip", b"no gzip" + b"x" * 900_000), 400),
    "gzip of ten thousand empty members": (encoded(b"gzip", gzip.compress(b"") * 10_000), 400),
    "gzip of 100 MB": (encoded(b"gzip", spaces(100)), 413),
    "broken gzip in chunks": (post(chunk(b"no gzip") * 9 + b"0\r\n\r\n", CHUNKED, b"Content-Encoding: gzip\r\n"), 400),
    "broken gzip that nobody wants": (encoded(b"gzip", b"no gzip", path=b"/nowhere"), 404),
    "broken gzip for another method": (encoded(b"gzip", b"no gzip", path=b"/healthz"), 405),
    "broken gzip as an upload": (encoded(b"gzip", b"no gzip", path=b"/artifacts"), 400),
    "deflate that is none": (encoded(b"deflate", GARBAGE), 400),
    "gzip": (encoded(b"gzip", GZIP), 202),
    "gzip by its old name, in capitals": (encoded(b"X-GZip", GZIP), 202),
    "gzip in two members": (encoded(b"gzip", gzip.compress(JOB[:9]) + gzip.compress(JOB[9:])), 202),
    "deflate": (encoded(b"deflate", zlib.compress(JOB)), 202),
    "deflate without its frame": (encoded(b"deflate", RAW_DEFLATE), 202),
    "identity": (encoded(b"identity", JOB), 202),
    "no encoding's name": (encoded(b"", JOB), 202),
    "an extension of 100,000 bytes": (post(chunk(JOB, b";x=" + b"y" * 100_000) + b"0\r\n\r\n", CHUNKED), 400),
    "a short extension on each of 9,000 chunks": (post(chunk(b" ", b";a=bcdef") * 9000, CHUNKED), 400),
    "extensions that come before any contents": (post(chunk(JOB, b";x" * 15_000), CHUNKED), 400),
    "a modest extension": (post(chunk(JOB, b";name=value") + b"0;last\r\n\r\n", CHUNKED), 202),
    "chunks of one byte": (post(b"".join(chunk(b"%c" % one) for one in JOB.rjust(9000)) + LAST, CHUNKED), 202),
    "a trailer": (post(chunk(JOB) + b"0\r\nX-Checksum: 1\r\n\r\n", CHUNKED), 202),
    "trailers of 100,000 bytes": (post(chunk(JOB) + b"0\r\n" + b"X: y" * 25_000, CHUNKED), 400),
    "100 trailers of 1,000 bytes": (post(chunk(JOB) + LAST[:-2] + b"X: %s\r\n" % (b"y" * 1000) * 100, CHUNKED), 400),
    "a trailer that is none": (post(chunk(JOB) + b"0\r\nnonsense\r\n\r\n", CHUNKED), 400),
    "a chunk longer than it says": (post(b"2\r\n{}}}\r\n0\r\n\r\n", CHUNKED), 400),
    "a chunk of a negative size": (post(b"-1\r\n\r\n", CHUNKED), 400),
    "a chunk larger than any": (post(b"f" * 17 + b"\r\n", CHUNKED), 400),
    "a chunk's line without an end": (post(b"1" * 100_000, CHUNKED), 400),
    "chunks in HTTP/1.0": (b"POST /jobs HTTP/1.0\r\n" + CHUNKED + b"\r\n" + chunk(JOB) + b"0\r\n\r\n", 400),
    "chunks and a length": (post(chunk(JOB), CHUNKED, b"Content-Length: 5\r\n"), 400),
    "chunks that are not the last coding": (post(JOB, b"Transfer-Encoding: chunked, gzip\r\n", length=0), 400),
    "a transfer coding that nobody knows": (post(JOB, b"Transfer-Encoding: brotli\r\n", length=0), 400),
    "a length with a sign": (post(b"", b"Content-Length: +5\r\n")[:-2], 400),
    "a length beyond 64 bits": (post(JOB, length=2**64 + 5), 400),
    "a length beyond what is taken": (post(JOB, length=2**63), 413),
    "a head of 100,000 bytes": (b"GET / HTTP/1.1\r\n" + HOST + b"X: %s\r\n" % (b"y" * 8000) * 13, 431),
    "a head of 600,000 bytes at once": (GET[:-2] + b"X: %s\r\n" % (b"y" * 6000) * 100 + b"\r\n", 431),
    "a line of 9,000 bytes": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 9000 + b"\r\n\r\n", 431),
    "a name of 9,000 bytes": (b"GET / HTTP/1.1\r\n" + HOST + b"y" * 9000 + b": x\r\n\r\n", 431),
    "a target that is no address": (b"GET http://[ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a target of controls": (b"GET /\x01\x02 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bytes that are no UTF-8": (b"GET /\xff\xfe?\xff HTTP/1.1\r\n" + HOST + b"X: \xff\r\n\r\n", 400),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "an upgrade with something behind it": (GET[:-2] + UPGRADE + b"nonsense\r\n\r\n", 200),
    "a tunnel": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n\x16\x03\x01", 400),
    "a body with GET": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nbody", 200),
    "half a body with GET": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Content-Length: 9000\r\n\r\nbody", 200),
    "a broken body with GET": (b"GET /healthz HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nzz\r\n", 400),
}  # fmt: skip
HALVES = {
    "half a body": post(JOB, length=9000),
    "half a chunk": post(b"fff\r\n" + JOB, CHUNKED),
    "half of gzip": encoded(b"gzip", GZIP)[:-20],
    "half a head": GET[:-2],
    "a body, and half a head": post(JOB) + GET[:20],
    "nothing": b"",
}


@pytest.fixture
def nothing_else() -> None:
    """What is there already is no garbage: a collection walks through what the test leaves behind alone."""
    gc.freeze()


@pytest.fixture
async def quiet(nothing_else: None, house: House, caplog: pytest.LogCaptureFixture) -> AsyncIterator[House]:
    """A house about which nothing may be logged."""
    yield house
    gc.collect()  # exceptions that nobody fetched are told when their tasks go
    assert [record.getMessage() for record in caplog.records] == []
    assert not [event for event in house.events if isinstance(event, RequestFailed)]


@pytest.mark.parametrize("name", ANSWERED)
async def test_it_is_answered(quiet: House, name: str) -> None:
    data, status = ANSWERED[name]
    answer = await exchange(quiet.port, data)
    assert answer.status == status
    if status >= 400:
        assert answer.problem["detail"].endswith(".")


@pytest.mark.parametrize("is_reset", [True, False])
async def test_who_leaves_in_the_midst_of_it_leaves_nothing_behind(quiet: House, is_reset: bool) -> None:
    for data in (*HALVES.values(), *(data for data, _ in ANSWERED.values())):
        for cut in (len(data), len(data) - 3):
            async with wire(quiet.port) as (_, writer):
                writer.write(data[: max(cut, 0)])
                if is_reset:
                    plug: socket.socket = writer.get_extra_info("socket")
                    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert (await exchange(quiet.port, GET)).status == 200
    await until(lambda: quiet.is_idle)


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"compress", b"gzip, gzip", b"gzip, br", b"*", b"\xff"])
@pytest.mark.parametrize("path", [b"/jobs", b"/artifacts", b"/jobs/batch", b"/jobs/x/retry"])
async def test_an_encoding_that_nobody_understands_is_415_and_says_which_are(
    quiet: House, coding: bytes, path: bytes
) -> None:
    answer = await exchange(quiet.port, encoded(coding, JOB, path=path))
    assert (answer.status, answer.problem["type"]) == (415, "urn:cqworker:problem:unsupported-media-type")
    assert "Content-Encoding" in answer.problem["detail"]
    assert answer.headers["accept-encoding"] == "gzip, deflate"


async def test_what_is_wrong_in_the_midst_of_a_body_is_told_at_once(quiet: House) -> None:
    async with wire(quiet.port) as (reader, writer):
        writer.write(post(chunk(b" "), CHUNKED))
        await asyncio.sleep(0)
        writer.write(b"zz\r\n")
        assert (await asyncio.wait_for(read_answer(reader), scaled(5))).status == 400


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (GET, [200]),
        (GET * 3, [200] * 3),
        (post(JOB) + GET, [202, 200]),
        (GET + post(JOB), [200, 202]),
        (post(JOB, length=9000), [400]),
        (GET + post(JOB, length=9000), [200, 400]),
        (post(b"fff\r\n" + JOB, CHUNKED), [400]),
        (GET + GET[:20], [200]),
    ],
)
async def test_one_who_has_said_everything_still_reads_every_answer(
    quiet: House, data: bytes, statuses: list[int]
) -> None:
    async with wire(quiet.port) as (reader, writer), asyncio.timeout(scaled(5)):
        writer.write(data)
        writer.write_eof()
        assert [(await read_answer(reader)).status for _ in statuses] == statuses
        assert await reader.read() == b""


async def test_one_who_waits_for_a_job_and_says_no_more_is_answered_with_it_as_it_is(house: House) -> None:
    job = await house.submit()
    async with wire(house.port) as (reader, writer), asyncio.timeout(scaled(5)):
        writer.write(GET.replace(b"healthz", f"jobs/{job['job_id']}?wait=20".encode()))
        writer.write_eof()
        assert (await read_answer(reader)).status == 200
        assert await reader.read() == b""


async def test_many_requests_in_one_packet_are_answered_in_their_order(quiet: House) -> None:
    async with wire(quiet.port) as (reader, writer), asyncio.timeout(scaled(10)):
        writer.write((post(JOB) + GET + post(b"[") + post(chunk(JOB) + b"0\r\n\r\n", CHUNKED)) * 50)
        statuses = [(await read_answer(reader)).status for _ in range(200)]
    assert statuses == [202, 200, 400, 202] * 50


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Length: 2000000\r\n", 413),
        (b"Content-Length: 9\r\nContent-Encoding: br\r\n", 415),
        (b"Content-Length: 9\r\nAuthorization: Bearer other\r\n", 401),
    ],
)
async def test_a_body_that_is_not_wanted_is_not_asked_for(headers: bytes, status: int) -> None:
    async with open_house(tokens=[token("known", "submit")]) as house:
        known = b"" if status == 401 else b"Authorization: Bearer known\r\n"
        ask = b"POST /jobs HTTP/1.1\r\n" + HOST + known + headers + b"Expect: 100-continue\r\n\r\n"
        answer = await exchange(house.port, ask)
        assert (answer.status, answer.headers["connection"]) == (status, "close")


async def test_a_body_that_is_wanted_is_asked_for_and_the_connection_goes_on(quiet: House) -> None:
    head, _ = post(JOB, b"Expect: 100-continue\r\n").split(b"\r\n\r\n")
    async with wire(quiet.port) as (reader, writer), asyncio.timeout(scaled(5)):
        for _ in range(2):
            writer.write(head + b"\r\n\r\n")
            assert (await read_answer(reader)).status == 100
            writer.write(JOB)
            assert (await read_answer(reader)).status == 202


def test_all_of_it_holds_on_uvloop_too(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with open_house() as house:
            for name, (data, status) in ANSWERED.items():
                assert (await exchange(house.port, data)).status == status, name
            for data in HALVES.values():
                async with wire(house.port) as (_, writer):
                    writer.write(data)
            async with wire(house.port) as (reader, writer):
                writer.write(GET * 2)
                writer.write_eof()
                assert [(await read_answer(reader)).status for _ in range(2)] == [200, 200]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
    gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
