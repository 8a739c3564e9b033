"""One table from the errors of AWS, its SDK and the network to what an operator can act on."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import ClientError
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.proxy_settings import ProxyMute, ProxyUnusable
from cqworker.errors import Concern


@dataclass(frozen=True, slots=True)
class Row:
    """The two sentences of a fault; `ambiguous`: a write may have been applied; `stale`: fresh credentials may help.

    `concerns` is as Unavailable has it.
    """

    cause: str
    remedy: str
    ambiguous: bool = False
    stale: bool = False
    concerns: Concern = "service"


NETWORK = "Check the network and the SDK's region and endpoint settings (AWS_REGION, AWS_ENDPOINT_URL)."
WAIT = "cqworker keeps trying; if it lasts, look at the network and at the AWS Health Dashboard."
ROLE = "give the process a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."

UNREACHABLE = Row("{service} cannot be reached at {endpoint}.", NETWORK)
NO_CONNECTION = Row("{service} at {endpoint} did not accept a connection in time.", NETWORK)
DESCRIPTORS = Row(
    "This process has no file descriptor left for a connection to {service}.",
    "Raise its limit (LimitNOFILE= of the unit, `ulimit -n`, `docker run --ulimit`), or look for a handler that leaves "
    "files or sockets open.",
)
NO_ANSWER = Row("{service} did not answer {operation} in time.", WAIT, ambiguous=True)
BROKEN = Row("The connection to {service} broke during {operation}.", WAIT, ambiguous=True)
GARBLED = Row("{service}'s answer to {operation} could not be read.", WAIT, ambiguous=True)
SERVER = Row("{service} failed at {operation} with {code}.", WAIT + "{request}", ambiguous=True)
UNFORESEEN = Row("{operation} on {about} met {code}: {message}", WAIT, ambiguous=True)
PROXY = Row("The HTTP proxy for {service} refused the connection.", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.")
PROXY_LOGIN = Row("The HTTP proxy for {service} asks who we are (407).", "Put user and password into HTTPS_PROXY.")
PROXY_KIND = Row(
    "{service} is to be reached through {message}, which is no HTTP proxy.",
    "Set HTTPS_PROXY and HTTP_PROXY to http:// or https:// addresses, or NO_PROXY to what needs none.",
)
PROXY_SLOW = Row(
    "{service} did not answer {operation} in time through the HTTP proxy.",
    "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and whether the proxy answers. " + WAIT,
    ambiguous=True,
)
PROXY_MUTE = Row("The HTTP proxy for {service} does not answer.", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.")
TLS = Row("The TLS certificate of {service} at {endpoint} was not accepted.", "Check AWS_CA_BUNDLE and the clock.")
BUNDLE = Row("The CA bundle cannot be read: {inner}.", "Correct AWS_CA_BUNDLE, or `ca_bundle` in the AWS profile.")
HANDSHAKE = Row("No TLS connection to {service} at {endpoint} came about: {inner}.", WAIT)
ENDPOINT = Row("The endpoint of {service} cannot be used: {message}", "Correct AWS_ENDPOINT_URL or the region.")
REGION = Row("No AWS region is configured.", "Set AWS_REGION, or `region` in the AWS profile.")
SETTING = Row(
    "A setting of the AWS SDK cannot be used: {message}.", "Correct it in the environment, or in the AWS profile."
)
PROFILE = Row("The AWS profile cannot be used: {message}", "Correct AWS_PROFILE or the AWS configuration file.")

THROTTLED = Row(
    "{service} throttles {operation} on {about} ({code}).",
    "cqworker slows down and keeps trying; if it lasts, raise the quota, or the table's capacity.",
)
OVER_LIMIT = Row(
    "As many messages of {about} are in flight as SQS allows.",
    "Look for workers that receive and never finish, or ask AWS for a higher quota.",
)
DENIED = Row(
    "The role may not do {action} on {about} ({code}).",
    "Allow {action} on it in the policy of the role.{hint}",
    concerns="right",
)
KEY = Row(
    "{service} may not use the KMS key of {about} ({code}).",
    "Allow the role kms:Decrypt and kms:GenerateDataKey on that key, and check that it is enabled.",
    concerns="right",
)
MISSING = Row(
    "There is no {about} in this account and region.",
    "Run `cqworker provision`, or correct its name or the region.",
)
ELSEWHERE = Row("The {about} is in another region ({code}).", "Set AWS_REGION to the region of {about}.")

UNFETCHED = Row("{message}", "")
"""Credentials have words of their own (cqworker.aws.credentials.diagnosis)."""
UNKNOWN_KEY = Row("AWS does not accept the access key ({code}).", "Renew the credentials, or " + ROLE, stale=True)
SIGNATURE = Row(
    "{service} does not accept the signature ({code}).",
    "Check that AWS_SECRET_ACCESS_KEY belongs to AWS_ACCESS_KEY_ID, and that the clock is right.",
    stale=True,
)
EXPIRED = Row(
    "The AWS session token has expired.",
    "cqworker asks for a fresh one; where there is no role to ask, renew it (`aws sso login`, or new variables).",
    stale=True,
)
CLOCK = Row(
    "This machine's clock is wrong: {service} rejects the time of the request.",
    "Fix the clock: `timedatectl` shows whether it follows a time server.",
)
TOO_BIG = Row(
    "The item is larger than the 400 KB that DynamoDB stores.",
    "Lower artifacts.inline_limit, so that big payloads and results go to S3.",
    concerns="item",
)
OTHER_KEYS = Row(
    "The keys of {about} are not pk and sk, both strings.",
    "Choose another store.table, and run `cqworker provision`.",
)
REFUSED = Row(
    "{service} refused {operation} on {about} with {code}: {message}", "Look the code up in the API's errors.{request}"
)

ARCHIVED = Row(
    "An object of {about} is archived ({code}).",
    "Restore it, or keep what jobs read in a storage class that is read at once.",
    concerns="item",
)
BUSY = Row("The {about} is being made, changed or deleted ({code}).", "Wait a minute, then try again.")

OLDER = "AWS.SimpleQueueService."
"""What SQS's older protocol writes before many of its codes; the newer one does not."""

BY_CODE: dict[str, Row] = {
    "407": PROXY_LOGIN,
    "InvalidObjectState": ARCHIVED,
    **dict.fromkeys(
        "ResourceInUseException TableInUseException BackupInUseException PurgeQueueInProgress QueueDeletedRecently "
        "ExportConflictException ImportConflictException".split(),
        BUSY,
    ),
    **dict.fromkeys(
        "BatchEntryIdsNotDistinct BatchRequestTooLong EmptyBatchRequest InvalidAddress InvalidAttributeName "
        "InvalidAttributeValue InvalidBatchEntryId InvalidIdFormat InvalidMessageContents MessageNotInflight "
        "QueueNameExists QueueAlreadyExists ReceiptHandleIsInvalid TooManyEntriesInBatchRequest UnsupportedOperation "
        "InvalidParameterValue ConditionalCheckFailedException ContinuousBackupsUnavailableException "
        "BackupNotFoundException DuplicateItemException ExportNotFoundException GlobalTableAlreadyExistsException "
        "GlobalTableNotFoundException IdempotentParameterMismatchException ImportNotFoundException "
        "IndexNotFoundException InvalidEndpointException InvalidExportTimeException InvalidRestoreTimeException "
        "ItemCollectionSizeLimitExceededException PointInTimeRecoveryUnavailableException PolicyNotFoundException "
        "ReplicaAlreadyExistsException ReplicaNotFoundException TableAlreadyExistsException "
        "TransactionCanceledException ValidationException BucketAlreadyExists BucketAlreadyOwnedByYou "
        "EncryptionTypeMismatch IdempotencyParameterMismatch InvalidRequest InvalidWriteOffset NoSuchKey NoSuchUpload "
        "ObjectAlreadyInActiveTierError ObjectNotInActiveTierError TooManyParts NoSuchBucketPolicy InvalidPrefix "
        "UnsupportedMediaType AnnotationLimitExceeded AnnotationNameTooLong InvalidAnnotationName "
        "NoSuchAnnotation".split(),
        REFUSED,
    ),
    **dict.fromkeys(
        "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException SlowDown "
        "TooManyRequestsException ProvisionedThroughputExceededException RequestLimitExceeded LimitExceededException "
        "BandwidthLimitExceeded TransactionConflictException TransactionInProgressException PriorRequestNotComplete "
        "ReplicatedWriteConflictException KmsThrottled KMS.ThrottlingException 429".split(),
        THROTTLED,
    ),
    "OverLimit": OVER_LIMIT,
    **dict.fromkeys(
        "AccessDenied AccessDeniedException AllAccessDisabled UnauthorizedOperation NotAuthorized "
        "AuthorizationError OptInRequired 403".split(),
        DENIED,
    ),
    **dict.fromkeys(
        "KmsAccessDenied KmsDisabled KmsInvalidState KmsInvalidKeyUsage KmsNotFound KmsOptInRequired "
        "KMS.AccessDeniedException KMS.InvalidKeyUsageException KMS.OptInRequired KMS.KeyUnavailableException "
        "KMS.DisabledException KMS.InvalidStateException KMS.KMSInvalidStateException KMS.NotFoundException".split(),
        KEY,
    ),
    **dict.fromkeys(
        "QueueDoesNotExist NonExistentQueue ResourceNotFoundException TableNotFoundException NoSuchBucket".split(),
        MISSING,
    ),
    **dict.fromkeys(
        "PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException "
        "301 307".split(),
        ELSEWHERE,
    ),
    **dict.fromkeys(
        "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId InvalidToken AuthFailure InvalidSecurity "
        "MissingAuthenticationToken MissingAuthenticationTokenException MissingSecurityHeader".split(),
        UNKNOWN_KEY,
    ),
    **dict.fromkeys(
        "SignatureDoesNotMatch InvalidSignature InvalidSignatureException IncompleteSignature "
        "IncompleteSignatureException".split(),
        SIGNATURE,
    ),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), EXPIRED),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"), CLOCK),
    **dict.fromkeys(
        "InternalError InternalFailure InternalServerError InternalServiceError ServiceUnavailable "
        "ServiceUnavailableException RequestTimeout RequestTimeoutException 500 502 503 504".split(),
        SERVER,
    ),
}
"""By the service's error code; a number is the status of an answer without a body."""


def row_by_code(code: str) -> Row | None:
    """The row of a code in either spelling, where the table has it."""
    return BY_CODE.get(code.removeprefix(OLDER))


BY_CLASS: tuple[tuple[type[Exception], Row], ...] = (
    (CredentialsError, UNFETCHED),
    (sdk.ReadTimeoutError, NO_ANSWER),
    (sdk.ConnectTimeoutError, NO_CONNECTION),
    (sdk.SSLError, TLS),
    (ProxyUnusable, PROXY_KIND),
    (ProxyMute, PROXY_MUTE),
    (sdk.ProxyConnectionError, PROXY),
    (sdk.EndpointConnectionError, UNREACHABLE),
    (sdk.HTTPClientError, BROKEN),
    (sdk.IncompleteReadError, BROKEN),
    (ClientError, BROKEN),
    (sdk.InvalidConfigError, SETTING),
    (sdk.NoRegionError, REGION),
    (sdk.ProfileNotFound, PROFILE),
    (sdk.ConfigParseError, PROFILE),
    (sdk.ConfigNotFound, PROFILE),
    (sdk.BaseEndpointResolverError, ENDPOINT),
    (sdk.EndpointProviderError, ENDPOINT),
    (sdk.InvalidRegionError, ENDPOINT),
    (sdk.ParamValidationError, REFUSED),
    (sdk.ValidationError, REFUSED),
    (TimeoutError, NO_ANSWER),
    (OSError, BROKEN),
    (sdk.BotoCoreError, GARBLED),
    (ResponseParserError, GARBLED),
    (Exception, UNFORESEEN),
)
"""By the exception's class, the first that fits."""
