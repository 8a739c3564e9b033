"""Artifacts in S3 behind the port, read no further than the caller allows."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.error_translation import Garbled, garbled_answer
from cqworker.aws.operations import GET_OBJECT, PUT_OBJECT, TRY_PUT
from cqworker.errors import ArtifactMissing, ArtifactTooLarge
from cqworker.model.artifact_keys import storable_type
from cqworker.ports import StoredObject, WriteChunk

SCHEME = "s3://"
TRANSFER_SECONDS = 60.0
"""Seconds for a call that carries an object: 32 MiB at 5 Mbit/s."""
CHUNK_BYTES = 262_144
"""Bytes that are read and handed on at a time."""
PROBE_KEY = "cqworker-check"
"""The key, below the prefix, that checks ask for; there need be no such object."""
NEVER_AN_ETAG = '"never"'
"""An entity tag that no object has (those of S3 are hexadecimal digits)."""


class S3Artifacts:
    """Objects below `prefix` in `bucket`; others are read where a reference says."""

    def __init__(self, clients: Calls, bucket: str, prefix: str) -> None:
        self._clients = clients
        self._bucket = bucket
        self._prefix = prefix

    def reference(self, key: str) -> str:
        """As Artifacts.reference."""
        return f"{SCHEME}{self._bucket}/{self._prefix}{key}"

    async def put(self, key: str, data: bytes | BinaryIO, content_type: str) -> str:
        """As Artifacts.put."""
        place = {"Bucket": self._bucket, "Key": self._prefix + key}
        request = {
            **place,
            "Body": BytesIO(data) if isinstance(data, bytes) else data,
            "ContentType": storable_type(content_type),
        }  # a stream, sent without holding up the loop
        answer = await self._clients.call(PUT_OBJECT, request, _about_bucket(self._bucket), seconds=TRANSFER_SECONDS)
        if not answer.get("ETag"):
            raise garbled_answer(PUT_OBJECT, _about_bucket(self._bucket), "it has no ETag")
        return self.reference(key)

    async def get(self, reference: str, limit: int) -> StoredObject:
        """As Artifacts.get."""
        data = bytearray()

        async def keep(piece: bytes) -> None:
            data.extend(piece)

        content_type = await self.copy(reference, limit, keep)
        return StoredObject(bytes(data), content_type)

    async def copy(self, reference: str, limit: int, keep: WriteChunk) -> str:
        """As Artifacts.copy: what S3 says of the length is believed only when it is too much."""
        bucket, _, key = reference.removeprefix(SCHEME).partition("/")
        if not reference.startswith(SCHEME) or not bucket or not key:
            raise ArtifactMissing(f"{reference} is no reference of the form s3://bucket/key.")

        async def read(answer: Answer) -> Answer:
            if not answer.get("ETag"):
                raise Garbled(reason="it has no ETag")
            return {"IsWhole": await _copy_body(answer, limit, keep), "ContentType": answer.get("ContentType", "")}

        try:
            answer = await self._clients.call(
                GET_OBJECT, {"Bucket": bucket, "Key": key}, _about_bucket(bucket), seconds=TRANSFER_SECONDS, read=read
            )
        except Declined:
            raise ArtifactMissing(f"There is no object at {reference}.") from None
        if not answer["IsWhole"]:
            raise ArtifactTooLarge(f"The object at {reference} is larger than {limit} bytes.")
        return str(answer["ContentType"])

    async def check(self) -> None:
        """As Artifacts.check: asks for an object that need not exist."""
        try:
            await self.get(self.reference(PROBE_KEY), limit=0)
        except (ArtifactMissing, ArtifactTooLarge):
            return

    async def check_writing(self) -> None:
        """As Artifacts.check_writing: would replace an object that cannot be."""
        place = {"Bucket": self._bucket, "Key": self._prefix + PROBE_KEY}
        try:
            await self._clients.call(
                TRY_PUT, {**place, "Body": b"", "IfMatch": NEVER_AN_ETAG}, _about_bucket(self._bucket)
            )
        except Declined:
            return


async def _copy_body(answer: Answer, limit: int, keep: WriteChunk) -> bool:
    """Copies the object; False when there is more than `limit` of it, and then the connection is given up."""
    stream, size = answer["Body"], 0
    async with stream:
        within = bool(answer.get("ContentLength", 0) <= limit)
        while within and (chunk := await stream.read(CHUNK_BYTES)):
            size += len(chunk)
            if within := size <= limit:
                await keep(chunk)
        if not within:
            stream.close()
    return within


def _about_bucket(name: str) -> str:
    return f'bucket "{name}"'
