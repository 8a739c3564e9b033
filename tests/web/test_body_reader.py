"""Bodies that are no JSON object, or no body at all."""

from __future__ import annotations

import gzip
import tracemalloc
from io import BytesIO

import pytest

from tests.web.bombs import spaces
from tests.web.house import House

JSON = {"Content-Type": "application/json"}
BAD = {
    "nothing": b"",
    "words": b"hello",
    "a list": b"[]",
    "NaN": b'{"type": "text.transform", "payload": {"text": NaN}}',
    "a twin key": b'{"type": "text.transform", "type": "text.transform", "payload": {}}',
    "half a surrogate": b'{"type": "text.transform", "payload": {"text": "\\ud800"}}',
    "a huge integer": b'{"type": "text.transform", "payload": ' + b"9" * 39 + b"}",
    "5,000 digits": b'{"type": "text.transform", "payload": ' + b"9" * 5000 + b"}",
    "depth 33": b'{"payload": ' + b"[" * 32 + b"]" * 32 + b"}",
    "depth 200,000": b'{"payload": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
}


@pytest.mark.parametrize("name", BAD)
async def test_a_body_that_is_no_strict_json_object_is_400(house: House, name: str) -> None:
    status, problem = await house.post("/jobs", data=BytesIO(BAD[name]), headers=JSON)
    assert (status, problem["type"]) == (400, "urn:cqworker:problem:malformed-request")
    assert problem["detail"].endswith(".")
    assert house.queue.bodies == []


async def test_a_large_body_is_read_as_strictly_as_a_small_one(house: House) -> None:
    large = b'{"type": "text.transform", "payload": {"text": "' + b"x" * 100_000 + b'"}, "max_attempts": %s}'
    assert (await house.post("/jobs", data=BytesIO(large % b"3"), headers=JSON))[0] == 202
    assert (await house.post("/jobs", data=BytesIO(large % b"NaN"), headers=JSON))[0] == 400


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data", "text/html"])
async def test_a_body_that_says_to_be_something_else_is_415(house: House, media_type: str) -> None:
    status, problem = await house.post("/jobs", data=b"{}", headers={"Content-Type": media_type})
    assert (status, problem["status"]) == (415, 415)
    assert "Content-Type: application/json" in problem["detail"]


async def test_a_gzipped_body_is_understood_and_a_bomb_is_413(house: House) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    job = gzip.compress(b'{"type": "text.transform", "payload": {"text": "x"}}')
    assert (await house.post("/jobs", data=job, headers=headers))[0] == 202
    bomb = spaces(100)
    tracemalloc.start()
    try:
        assert (await house.post("/jobs", data=bomb, headers=headers))[0] == 413
        assert tracemalloc.get_traced_memory()[1] < 8_000_000, "it was inflated before it was refused"
    finally:
        tracemalloc.stop()


async def test_a_body_whose_encoding_is_a_lie_is_400(house: House) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    status, problem = await house.post("/jobs", data=b"this is no gzip", headers=headers)
    assert (status, problem["status"]) == (400, 400)
