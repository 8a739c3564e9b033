"""Whether the bucket is there and usable, whether the sources can be read, and which key encrypts it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from cqworker.aws.aws_call import Calls
from cqworker.aws.doctor.finding import Finding, tried
from cqworker.aws.doctor.kms_keys import key_finding
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import GET_OBJECT, NO_SUCH_OBJECT, TRY_PUT, Operation
from cqworker.settings import ArtifactSettings

UNKNOWN_HERE = "NotImplemented"
NOT_ENCRYPTED = frozenset({"ServerSideEncryptionConfigurationNotFoundError", UNKNOWN_HERE})
ENCRYPTION = Operation("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration", declines=NOT_ENCRYPTED)
CONDITION_UNMET = frozenset({"NoSuchKey", "PreconditionFailed", "412"})
PROBE = "cqworker-doctor-finds-nothing-here"


async def bucket_findings(clients: Calls, settings: ArtifactSettings) -> AsyncIterator[Finding]:
    """The bucket itself: reading first, for S3 takes a condition only from who may read, then a write under one."""
    async for finding in reading_findings(clients, settings.bucket, settings.prefix):
        yield finding
    bucket = settings.bucket
    request = {"Bucket": bucket, "Key": settings.prefix + PROBE, "Body": b"", "IfMatch": '"never"'}
    try:
        await tried(clients, TRY_PUT, request, f'bucket "{bucket}"', CONDITION_UNMET)
    except AwsFault as fault:
        if fault.code != UNKNOWN_HERE:
            raise
        fix = "Submit a job with a big payload, and see that it is taken."
        yield Finding("info", f"bucket {bucket}", "Writing was not checked: this service knows no conditions.", fix)
    else:
        yield Finding("ok", f"bucket {bucket}", f"Writing to s3://{bucket}/{settings.prefix} is allowed.")


async def reading_findings(clients: Calls, bucket: str, prefix: str) -> AsyncIterator[Finding]:
    """Reading below a prefix: S3 says that a key is absent only to who may list."""
    request = {"Bucket": bucket, "Key": prefix + PROBE}
    await tried(clients, GET_OBJECT, request, f'bucket "{bucket}"', NO_SUCH_OBJECT)
    yield Finding("ok", f"bucket {bucket}", f"Reading s3://{bucket}/{prefix} is allowed.")


async def encryption_findings(clients: Calls, bucket: str) -> AsyncIterator[Finding]:
    """The key behind the bucket, if it is one that a role must be allowed to use."""
    answer = await tried(clients, ENCRYPTION, {"Bucket": bucket}, f'bucket "{bucket}"', NOT_ENCRYPTED)
    for rule in (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", ()):
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")
        for finding in key_finding(f"bucket {bucket}", key):
            yield finding
