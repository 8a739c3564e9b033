"""Whether the bucket is there and usable, whether the sources can be read, and which key encrypts it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from cqworker.aws.aws_call import Calls
from cqworker.aws.doctor.check_result import CheckResult, try_call
from cqworker.aws.doctor.kms_keys import check_key
from cqworker.aws.error_translation import AwsFault
from cqworker.aws.operations import GET_OBJECT, NO_SUCH_OBJECT, TRY_PUT, Operation
from cqworker.settings import ArtifactSettings

NOT_IMPLEMENTED = "NotImplemented"
NOT_ENCRYPTED = frozenset({"ServerSideEncryptionConfigurationNotFoundError", NOT_IMPLEMENTED})
ENCRYPTION = Operation("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration", declines=NOT_ENCRYPTED)
CONDITION_FAILED = frozenset({"NoSuchKey", "PreconditionFailed", "412"})
PROBE_KEY = "cqworker-doctor-finds-nothing-here"


async def check_bucket(clients: Calls, settings: ArtifactSettings) -> AsyncIterator[CheckResult]:
    """The bucket itself: first reading, as S3 takes conditions only from roles that may read; then a write."""
    async for result in check_reading(clients, settings.bucket, settings.prefix):
        yield result
    bucket = settings.bucket
    request = {"Bucket": bucket, "Key": settings.prefix + PROBE_KEY, "Body": b"", "IfMatch": '"never"'}
    try:
        await try_call(clients, TRY_PUT, request, f'bucket "{bucket}"', CONDITION_FAILED)
    except AwsFault as fault:
        if fault.code != NOT_IMPLEMENTED:
            raise
        fix = "Submit a job with a big payload, and see that it is taken."
        yield CheckResult("info", f"bucket {bucket}", "Writing was not checked: this service knows no conditions.", fix)
    else:
        yield CheckResult("ok", f"bucket {bucket}", f"Writing to s3://{bucket}/{settings.prefix} is allowed.")


async def check_reading(clients: Calls, bucket: str, prefix: str) -> AsyncIterator[CheckResult]:
    """Reading below a prefix: S3 says that a key is absent only to a role that may list."""
    request = {"Bucket": bucket, "Key": prefix + PROBE_KEY}
    await try_call(clients, GET_OBJECT, request, f'bucket "{bucket}"', NO_SUCH_OBJECT)
    yield CheckResult("ok", f"bucket {bucket}", f"Reading s3://{bucket}/{prefix} is allowed.")


async def check_encryption(clients: Calls, bucket: str) -> AsyncIterator[CheckResult]:
    """The key behind the bucket, if it is one that a role must be allowed to use."""
    answer = await try_call(clients, ENCRYPTION, {"Bucket": bucket}, f'bucket "{bucket}"', NOT_ENCRYPTED)
    for rule in (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", ()):
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")
        for result in check_key(f"bucket {bucket}", key):
            yield result
