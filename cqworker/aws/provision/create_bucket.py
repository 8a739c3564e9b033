"""The bucket: private, and cleared of uploads that were never completed; nothing in it ever expires by itself."""

from __future__ import annotations

from typing import Any

from cqworker.aws.aws_call import Calls, Declined
from cqworker.aws.aws_identity import find_identity
from cqworker.aws.operations import Operation
from cqworker.aws.provision.step import Step
from cqworker.errors import CqworkerError

NOT_IMPLEMENTED = "NotImplemented"
"""What services that only resemble S3 answer to the finer points."""
HEAD_BUCKET = Operation("s3", "HeadBucket", "s3:ListBucket", declines=frozenset({"404", "403", "NoSuchBucket"}))
CREATE_BUCKET = Operation(
    "s3", "CreateBucket", "s3:CreateBucket", writes=True, declines=frozenset({"BucketAlreadyExists"})
)
READ_BLOCK = Operation(
    "s3",
    "GetPublicAccessBlock",
    "s3:GetBucketPublicAccessBlock",
    declines=frozenset({"NoSuchPublicAccessBlockConfiguration", NOT_IMPLEMENTED}),
)
WRITE_BLOCK = Operation("s3", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", writes=True)
READ_LIFECYCLE = Operation(
    "s3",
    "GetBucketLifecycleConfiguration",
    "s3:GetLifecycleConfiguration",
    declines=frozenset({"NoSuchLifecycleConfiguration", NOT_IMPLEMENTED}),
)
WRITE_LIFECYCLE = Operation("s3", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", writes=True)
PUBLIC_ACCESS_BLOCK = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
UNFINISHED_DAYS = 7
"""Days after which the parts of an upload that was never completed are deleted: nobody uploads for a week."""
LIFECYCLE: dict[str, Any] = {
    "Rules": [
        {
            "ID": "cqworker-unfinished-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
        }
    ]
}


async def ensure_bucket(clients: Calls, name: str, *, dry_run: bool) -> list[Step]:
    """The steps for the bucket and its two rules; rules that somebody else has set are never replaced.

    Raises CqworkerError where the name belongs to somebody else: bucket names are worldwide.
    """
    created = not await _exists(clients, name)
    if created and not dry_run:
        await _create(clients, name)
    private = {"Bucket": name, "PublicAccessBlockConfiguration": PUBLIC_ACCESS_BLOCK}
    lifecycle = {"Bucket": name, "LifecycleConfiguration": LIFECYCLE}
    is_there = not (created and dry_run)
    missing_block = is_there and await _lacks(clients, READ_BLOCK, name)
    missing_lifecycle = is_there and await _lacks(clients, READ_LIFECYCLE, name)
    if missing_block and not dry_run:
        await clients.call(WRITE_BLOCK, private, f'bucket "{name}"')
    if missing_lifecycle and not dry_run:
        await clients.call(WRITE_LIFECYCLE, lifecycle, f'bucket "{name}"')
    unfinished = f"unfinished uploads are dropped after {UNFINISHED_DAYS} days"
    return [
        Step("bucket", name, "created" if created else "unchanged"),
        _rule_step("bucket privacy", name, "public access is blocked", created=created, missing=missing_block),
        _rule_step("bucket lifecycle", name, unfinished, created=created, missing=missing_lifecycle),
    ]


def _rule_step(what: str, name: str, detail: str, *, created: bool, missing: bool) -> Step:
    if created:
        return Step(what, name, "created", detail)
    return Step(what, name, "changed", detail) if missing else Step(what, name, "unchanged")


async def _exists(clients: Calls, name: str) -> bool:
    try:
        await clients.call(HEAD_BUCKET, {"Bucket": name}, f'bucket "{name}"')
    except Declined as answer:
        if answer.code == "403":
            raise _foreign_bucket(name) from None
        return False
    return True


async def _create(clients: Calls, name: str) -> None:
    region = (await find_identity()).region
    request: dict[str, Any] = {"Bucket": name}
    if region not in (None, "us-east-1"):  # the one region that must not be named (S3 API, CreateBucket)
        request["CreateBucketConfiguration"] = {"LocationConstraint": region}
    try:
        await clients.call(CREATE_BUCKET, request, f'bucket "{name}"')
    except Declined:
        raise _foreign_bucket(name) from None


async def _lacks(clients: Calls, read: Operation, name: str) -> bool:
    try:
        await clients.call(read, {"Bucket": name}, f'bucket "{name}"')
    except Declined as answer:
        return answer.code != NOT_IMPLEMENTED
    return False


def _foreign_bucket(name: str) -> CqworkerError:
    return CqworkerError(
        f'The bucket "{name}" belongs to another account, or s3:ListBucket on it is not allowed. Bucket names are '
        "worldwide: set artifacts.bucket to a name of your own, or correct the role's policy."
    )
