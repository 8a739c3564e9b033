"""What a store of big things does."""

from __future__ import annotations

import os
from tempfile import TemporaryFile

import pytest

from cqworker.errors import ArtifactMissing, ArtifactTooLarge, JobNotFound
from cqworker.model.artifact_keys import ANY_BYTES
from cqworker.ports import Artifacts, StoredObject
from tests.contract.worlds import PREFIX

BYTES = bytes(range(256)) * 4
TYPES = {
    "image/png": "image/png",
    "text/plain; charset=utf-8": "text/plain; charset=utf-8",
    "text/html": "text/html",
    "application/x-www-form-urlencoded": ANY_BYTES,
    "APPLICATION/X-WWW-Form-UrlEncoded; charset=utf-8": ANY_BYTES,
    "multipart/form-data; boundary=x": ANY_BYTES,
    "": ANY_BYTES,
    "png": ANY_BYTES,
    "image/png\r\nx-amz-acl: public-read": ANY_BYTES,
    "text/plain; charset=\u00e9": "text/plain",
    "image/\u00e9": ANY_BYTES,
}
"""What is said of an object, and what is kept of that: emulators take forms apart, a line break is a header."""


async def test_an_object_is_read_as_it_was_put(artifacts: Artifacts) -> None:
    reference = await artifacts.put("uploads/ünï code.bin", BYTES, "image/png")
    assert reference == artifacts.reference("uploads/ünï code.bin")
    assert await artifacts.get(reference, len(BYTES)) == StoredObject(BYTES, "image/png")


@pytest.mark.parametrize("said", TYPES)
async def test_whatever_is_said_of_an_object_it_is_read_as_it_was_put(artifacts: Artifacts, said: str) -> None:
    reference = await artifacts.put("typed", BYTES, said)
    assert await artifacts.get(reference, len(BYTES)) == StoredObject(BYTES, TYPES[said])


async def test_a_reference_names_bucket_prefix_and_key(artifacts: Artifacts) -> None:
    reference = artifacts.reference("job/1-1.png")
    assert reference.startswith("s3://")
    assert reference.endswith(f"/{PREFIX}job/1-1.png")


async def test_the_last_put_stands(artifacts: Artifacts) -> None:
    await artifacts.put("key", b"first", "text/plain")
    reference = await artifacts.put("key", b"second", "text/html")
    assert await artifacts.get(reference, 100) == StoredObject(b"second", "text/html")


async def test_an_object_that_is_not_there_is_missing(artifacts: Artifacts) -> None:
    with pytest.raises(ArtifactMissing, match="nothing-here"):
        await artifacts.get(artifacts.reference("nothing-here"), 100)


async def test_an_object_over_the_limit_is_not_read(artifacts: Artifacts) -> None:
    reference = await artifacts.put("big", BYTES, "application/octet-stream")
    with pytest.raises(ArtifactTooLarge, match="big"):
        await artifacts.get(reference, len(BYTES) - 1)


async def test_an_empty_object_is_an_object(artifacts: Artifacts) -> None:
    reference = await artifacts.put("empty", b"", "text/plain")
    assert await artifacts.get(reference, 0) == StoredObject(b"", "text/plain")


async def test_the_check_passes_where_the_bucket_can_be_read(artifacts: Artifacts) -> None:
    await artifacts.check()


async def test_the_check_of_writing_passes_and_stores_nothing(artifacts: Artifacts) -> None:
    await artifacts.check_writing()
    with pytest.raises(ArtifactMissing):
        await artifacts.get(artifacts.reference("cqworker-check"), 0)


@pytest.mark.parametrize("size", [0, 100, 700_000])
async def test_a_file_is_put_from_where_it_stands_and_an_object_is_handed_on_in_pieces(
    artifacts: Artifacts, size: int
) -> None:
    data, pieces = os.urandom(size), list[bytes]()

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    with TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(0)
        reference = await artifacts.put("from a file", file, "image/png")
    assert await artifacts.copy(reference, size, keep) == "image/png"
    assert b"".join(pieces) == data
    with pytest.raises(ArtifactTooLarge):
        await artifacts.copy(reference, size - 1, keep)
    with pytest.raises(ArtifactMissing):
        await artifacts.copy(artifacts.reference("nothing-here"), size, keep)


async def test_what_the_keeper_of_pieces_raises_is_raised(artifacts: Artifacts) -> None:
    reference = await artifacts.put("key", b"data", "text/plain")

    async def refuse(_: bytes) -> None:
        raise JobNotFound("Nobody wants it.")

    with pytest.raises(JobNotFound, match="Nobody wants it"):
        await artifacts.copy(reference, 100, refuse)


@pytest.mark.parametrize(
    "key", ["Holiday… day 2", "👩\u200d🚀", "a%2Bb%20c", "a+b c?d#e", "a//b", "cafe\u0301", "C:\\x"]
)
async def test_a_key_comes_back_to_the_letter(artifacts: Artifacts, key: str) -> None:
    reference = await artifacts.put(f"in/{key}", BYTES, "text/plain")
    assert reference.endswith(f"in/{key}")
    assert (await artifacts.get(reference, len(BYTES))).data == BYTES
