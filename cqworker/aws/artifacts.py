"""Big things in S3 behind the port, read no further than the caller allows."""

from __future__ import annotations

from io import BytesIO

from cqworker.aws.calls import Answer, Calls, Declined
from cqworker.aws.operations import GET_OBJECT, PUT_OBJECT, TRY_PUT
from cqworker.aws.translation import Garbled, garbled
from cqworker.errors import ArtifactMissing, ArtifactTooLarge
from cqworker.model.artifacts import storable_type
from cqworker.ports import StoredObject

SCHEME = "s3://"
TRANSFER = 60.0
"""Seconds for a call that carries an object: 32 MiB at 5 Mbit/s."""
CHUNK = 262_144
PROBE = "cqworker-check"
NO_OBJECT = '"never"'
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

    async def put(self, key: str, data: bytes, content_type: str) -> str:
        """As Artifacts.put."""
        place = {"Bucket": self._bucket, "Key": self._prefix + key}
        request = {
            **place,
            "Body": BytesIO(data),
            "ContentType": storable_type(content_type),
        }  # a stream, sent without holding up the loop
        answer = await self._clients.call(PUT_OBJECT, request, _bucket(self._bucket), seconds=TRANSFER)
        if not answer.get("ETag"):
            raise garbled(PUT_OBJECT, _bucket(self._bucket), "it has no ETag")
        return self.reference(key)

    async def get(self, reference: str, limit: int) -> StoredObject:
        """As Artifacts.get: what S3 says of the length is believed only when it is too much."""
        bucket, _, key = reference.removeprefix(SCHEME).partition("/")
        if not reference.startswith(SCHEME) or not bucket or not key:
            raise ArtifactMissing(f"{reference} is no reference of the form s3://bucket/key.")

        async def read(answer: Answer) -> Answer:
            if not answer.get("ETag"):
                raise Garbled(reason="it has no ETag")
            return {"Data": await _body(answer, limit), "ContentType": answer.get("ContentType", "")}

        try:
            answer = await self._clients.call(
                GET_OBJECT, {"Bucket": bucket, "Key": key}, _bucket(bucket), seconds=TRANSFER, read=read
            )
        except Declined:
            raise ArtifactMissing(f"There is no object at {reference}.") from None
        if answer["Data"] is None:
            raise ArtifactTooLarge(f"The object at {reference} is larger than {limit} bytes.")
        return StoredObject(answer["Data"], answer["ContentType"])

    async def check(self) -> None:
        """As Artifacts.check: asks for an object that need not exist."""
        try:
            await self.get(self.reference(PROBE), limit=0)
        except (ArtifactMissing, ArtifactTooLarge):
            return

    async def check_writing(self) -> None:
        """As Artifacts.check_writing: would replace an object that cannot be."""
        place = {"Bucket": self._bucket, "Key": self._prefix + PROBE}
        try:
            await self._clients.call(TRY_PUT, {**place, "Body": b"", "IfMatch": NO_OBJECT}, _bucket(self._bucket))
        except Declined:
            return


async def _body(answer: Answer, limit: int) -> bytes | None:
    """The object's bytes; None when there are more than `limit`, and then the connection is given up."""
    stream, data = answer["Body"], bytearray()
    async with stream:
        within = answer.get("ContentLength", 0) <= limit
        while within and (chunk := await stream.read(CHUNK)):
            data += chunk
            within = len(data) <= limit
        if not within:
            stream.close()
            return None
    return bytes(data)


def _bucket(name: str) -> str:
    return f'bucket "{name}"'
