"""Whether the bucket is there and usable, and whether the sources can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from cqworker.aws.calls import Calls, Declined
from cqworker.aws.inspection.finding import Finding
from cqworker.aws.operations import GET_OBJECT, Operation
from cqworker.settings import ArtifactSettings

WRITE = Operation(
    "s3",
    "PutObject",
    "s3:PutObject",
    writes=True,
    declines=frozenset({"NoSuchKey", "PreconditionFailed", "412", "NotImplemented"}),
)
PROBE = "cqworker-doctor-finds-nothing-here"


async def bucket_findings(clients: Calls, settings: ArtifactSettings) -> AsyncIterator[Finding]:
    """The bucket itself; its writing is tried with a condition that no object fulfils."""
    subject = f"bucket {settings.bucket}"
    about = f'bucket "{settings.bucket}"'
    request = {"Bucket": settings.bucket, "Key": settings.prefix + PROBE, "Body": b"", "IfMatch": '"never"'}
    with suppress(Declined):
        await clients.call(WRITE, request, about)
    yield Finding("ok", subject, "Reachable; writing is allowed.")


async def reading_findings(clients: Calls, bucket: str, prefix: str) -> AsyncIterator[Finding]:
    """Reading below a prefix: S3 says that a key is absent only to who may list."""
    with suppress(Declined):
        await clients.call(GET_OBJECT, {"Bucket": bucket, "Key": prefix + PROBE}, f'bucket "{bucket}"')
    yield Finding("ok", f"bucket {bucket}", f"Reading s3://{bucket}/{prefix} is allowed.")
