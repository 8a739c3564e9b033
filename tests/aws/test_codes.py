"""Every error that the SDK's own models of SQS, DynamoDB and S3 know has a row of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from cqworker.aws.error_table import ARCHIVED, BUSY, DENIED, KEY, MISSING, OLDER, REFUSED, Row, row_by_code
from cqworker.aws.error_translation import row_of

SPELLINGS = {
    "KmsAccessDenied": "KMS.AccessDeniedException",
    "KmsDisabled": "KMS.DisabledException",
    "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
    "KmsInvalidState": "KMS.InvalidStateException",
    "KmsNotFound": "KMS.NotFoundException",
    "KmsOptInRequired": "KMS.OptInRequired",
    "KmsThrottled": "KMS.ThrottlingException",
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
}
"""The codes of SQS's older protocol that are not the newer ones with its prefix (x-amzn-query-error)."""


def codes() -> Iterator[str]:
    session = botocore.session.get_session()
    for service in ("sqs", "dynamodb", "s3"):
        model: Any = session.get_service_model(service)
        for shape in model.error_shapes:
            yield shape.name
            yield shape.metadata.get("error", {}).get("code") or shape.name
            if service == "sqs":
                yield OLDER + shape.name
                yield SPELLINGS.get(shape.name, shape.name)


@pytest.mark.parametrize("code", sorted(set(codes())))
def test_no_error_of_the_models_falls_through(code: str) -> None:
    assert row_by_code(code) is not None


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("KMS.AccessDeniedException", KEY),
        ("KMS.OptInRequired", KEY),
        ("OptInRequired", DENIED),
        ("AWS.SimpleQueueService.NonExistentQueue", MISSING),
        ("AWS.SimpleQueueService.QueueDeletedRecently", BUSY),
        ("InvalidObjectState", ARCHIVED),
        ("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", REFUSED),
    ],
)
def test_a_code_is_known_in_either_spelling(code: str, row: Row) -> None:
    response: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    assert row_of(ClientError(response, "SendMessage")) is row
