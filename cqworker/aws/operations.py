"""Every operation of AWS that the running daemon uses: read its actions as the policy of its role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botocore import xform_name

ClientName = Literal["sqs", "sqs_poll", "dynamodb", "s3"]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, the client it goes through, and the IAM action that allows it.

    `writes`: it may have had an effect when its answer is lost. `declines`: error codes that are answers.
    """

    client: ClientName
    name: str
    action: str
    writes: bool = False
    declines: frozenset[str] = frozenset()

    @property
    def service(self) -> str:
        """The service's name in events and faults: "sqs", "dynamodb" or "s3"."""
        return "sqs" if self.client == "sqs_poll" else self.client

    @property
    def method(self) -> str:
        """The SDK's name for it, such as `send_message`."""
        return xform_name(self.name)


BAD_MESSAGE = frozenset(
    {
        "InvalidParameterValue",
        "InvalidAttributeValue",
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong",
    }
)
"""How SQS and its emulators refuse a message that is too long; the text tells it from other mistakes."""
BAD_RECEIPT = frozenset(
    {
        "ReceiptHandleIsInvalid",
        "InvalidParameterValue",
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
    }
)
"""A receipt that has expired, or whose message was deleted (ChangeMessageVisibility and DeleteMessage, errors)."""
CONDITION_FAILED = frozenset({"ConditionalCheckFailedException"})
BAD_BATCH = frozenset({"ValidationException", "AccessDenied", "AccessDeniedException", "UnknownOperationException"})
"""A batch that was refused whole: for one of its statements, or because there are no batches here for us."""
CONDITION_OF_OBJECTS = frozenset({"NoSuchKey", "PreconditionFailed", "412", "NotImplemented"})
"""How S3 refuses to replace an object that is not the one expected, and others that they know no conditions."""
NO_SUCH_OBJECT = frozenset({"NoSuchKey", "404"})

GET_QUEUE_URL = Operation("sqs", "GetQueueUrl", "sqs:GetQueueUrl")
GET_DEPTH = Operation("sqs", "GetQueueAttributes", "sqs:GetQueueAttributes")
SEND = Operation("sqs", "SendMessage", "sqs:SendMessage", writes=True, declines=BAD_MESSAGE)
SEND_BATCH = Operation("sqs", "SendMessageBatch", "sqs:SendMessage", writes=True, declines=BAD_MESSAGE)
RECEIVE = Operation("sqs_poll", "ReceiveMessage", "sqs:ReceiveMessage", writes=True)
DELETE = Operation("sqs", "DeleteMessage", "sqs:DeleteMessage", writes=True, declines=BAD_RECEIPT)
DELETE_BATCH = Operation("sqs", "DeleteMessageBatch", "sqs:DeleteMessage", writes=True, declines=BAD_RECEIPT)
CHANGE_VISIBILITY = Operation(
    "sqs", "ChangeMessageVisibility", "sqs:ChangeMessageVisibility", writes=True, declines=BAD_RECEIPT
)
CHANGE_VISIBILITY_BATCH = Operation(
    "sqs", "ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility", writes=True, declines=BAD_RECEIPT
)

GET_ITEM = Operation("dynamodb", "GetItem", "dynamodb:GetItem")
PUT_ITEM = Operation("dynamodb", "PutItem", "dynamodb:PutItem", writes=True, declines=CONDITION_FAILED)
UPDATE_ITEM = Operation("dynamodb", "UpdateItem", "dynamodb:UpdateItem", writes=True, declines=CONDITION_FAILED)

NO_SUCH_INDEX = frozenset({"ValidationException", "ResourceNotFoundException"})
"""How DynamoDB, and moto in its place, refuse a query of an index that is missing or being filled."""

QUERY = Operation("dynamodb", "Query", "dynamodb:Query", declines=NO_SUCH_INDEX)
BATCH_GET = Operation("dynamodb", "BatchGetItem", "dynamodb:BatchGetItem")
DELETE_ITEM = Operation("dynamodb", "DeleteItem", "dynamodb:DeleteItem", writes=True, declines=CONDITION_FAILED)

TRANSACT_WRITE = Operation(
    "dynamodb",
    "TransactWriteItems",
    "dynamodb:UpdateItem",
    writes=True,
    declines=frozenset({"TransactionCanceledException"}),
)
"""Allowed to whom its parts are: an update and a delete (DynamoDB developer guide, "IAM with transactions")."""

EXECUTE_BATCH = Operation(
    "dynamodb", "BatchExecuteStatement", "dynamodb:PartiQLUpdate", writes=True, declines=BAD_BATCH
)

GET_OBJECT = Operation("s3", "GetObject", "s3:GetObject", declines=NO_SUCH_OBJECT)
PUT_OBJECT = Operation("s3", "PutObject", "s3:PutObject", writes=True)
TRY_PUT = Operation("s3", "PutObject", "s3:PutObject", writes=True, declines=CONDITION_OF_OBJECTS)
