"""Every row of the fault table: what an operator reads, and whether a write may have been applied."""

from __future__ import annotations

import errno
import ssl
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from botocore import exceptions as sdk

from cqworker.aws.error_table import BY_CLASS, BY_CODE, UNFETCHED
from cqworker.aws.error_translation import AwsFault, NotConnectedError, translate
from cqworker.aws.operations import GET_ITEM, GET_OBJECT, RECEIVE, SEND, UPDATE_ITEM, Operation

ABOUT = 'queue "jobs"'
URL = "http://user:canary@127.0.0.1:4566/"


def answered(code: str, status: int = 400, message: str = "") -> sdk.ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return sdk.ClientError(response, "SendMessage")


def fault_of(error: Exception, operation: Operation = SEND) -> AwsFault:
    return translate(error, operation, ABOUT, ambiguous=False)


def not_connected() -> Exception:
    key = ConnectionKey("127.0.0.1", 4566, False, None, None, None, None)  # type: ignore[arg-type]
    inner = aiohttp.ClientConnectorError(key, ConnectionRefusedError(111, "refused"))
    return sdk.EndpointConnectionError(endpoint_url=URL, error=inner)


ANSWERS = [
    ("ThrottlingException", "throttles SendMessage", "keeps trying", False),
    ("RequestThrottled", "throttles", "quota", False),
    ("ProvisionedThroughputExceededException", "throttles", "capacity", False),
    ("TransactionConflictException", "throttles", "keeps trying", False),
    ("SlowDown", "throttles", "keeps trying", False),
    ("KmsThrottled", "throttles", "keeps trying", False),
    ("OverLimit", "in flight as SQS allows", "never finish", False),
    ("AWS.SimpleQueueService.OverLimit", "in flight as SQS allows", "never finish", False),
    ("AccessDenied", 'may not do sqs:SendMessage on queue "jobs"', "Allow sqs:SendMessage", False),
    ("AccessDeniedException", "may not", "policy of the role", False),
    ("403", "may not", "Allow sqs:SendMessage", False),
    ("KmsDisabled", 'KMS key of queue "jobs"', "kms:Decrypt", False),
    ("KMS.DisabledException", "KMS key", "enabled", False),
    ("QueueDoesNotExist", 'no queue "jobs"', "`cqworker provision`", False),
    ("AWS.SimpleQueueService.NonExistentQueue", 'no queue "jobs"', "`cqworker provision`", False),
    ("ResourceNotFoundException", "There is no", "`cqworker provision`", False),
    ("NoSuchBucket", "There is no", "`cqworker provision`", False),
    ("PermanentRedirect", "another region", "AWS_REGION", False),
    ("InvalidClientTokenId", "does not accept the access key", "Renew the credentials", False),
    ("UnrecognizedClientException", "does not accept the access key", "AWS_PROFILE", False),
    ("InvalidAccessKeyId", "does not accept the access key", "Renew", False),
    ("SignatureDoesNotMatch", "does not accept the signature", "AWS_SECRET_ACCESS_KEY belongs", False),
    ("InvalidSignatureException", "does not accept the signature", "clock", False),
    ("ExpiredToken", "session token has expired", "aws sso login", False),
    ("ExpiredTokenException", "session token has expired", "aws sso login", False),
    ("RequestTimeTooSkewed", "clock is wrong", "Fix the clock", False),
    ("InternalServerError", "failed at SendMessage", "keeps trying", True),
    ("ServiceUnavailable", "failed at SendMessage", "Health Dashboard", True),
    ("503", "failed at SendMessage", "keeps trying", True),
    ("InvalidSomething", "refused SendMessage", "Look the code up", False),
]


@pytest.mark.parametrize(("code", "cause", "remedy", "ambiguous"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_an_answer_is_told_in_words(code: str, cause: str, remedy: str, ambiguous: bool) -> None:
    fault = fault_of(answered(code))
    assert cause in fault.cause
    assert remedy in fault.remedy
    assert (fault.service, fault.code, fault.ambiguous) == ("sqs", code, ambiguous)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "AccessDenied",
            "User: arn:aws:sts::1:assumed-role/w/i is not authorized to perform: kms:GenerateDataKey on x",
        ),
        ("AccessDeniedException", "KMS key access denied error: the ciphertext refers to a key"),
        ("KmsAccessDenied", "The caller doesn't have the required KMS access."),
    ],
)
def test_a_denied_key_is_told_from_a_denied_resource(code: str, message: str) -> None:
    fault = fault_of(answered(code, message=message))
    assert fault.cause == f'SQS may not use the KMS key of queue "jobs" ({code}).'
    assert "kms:Decrypt and kms:GenerateDataKey" in fault.remedy


def test_a_role_that_has_kms_in_its_name_is_told_what_it_may_not_do() -> None:
    said = "User: arn:aws:sts::1:assumed-role/kms-worker/i is not authorized to perform: sqs:SendMessage"
    assert "may not do sqs:SendMessage" in fault_of(answered("AccessDenied", message=said)).cause


@pytest.mark.parametrize(
    ("code", "message", "concerns"),
    [
        ("AccessDenied", "", "right"),
        ("KmsDisabled", "", "right"),
        ("ValidationException", "Item size has exceeded the maximum allowed size", "item"),
        ("ValidationException", "The provided key element does not match the schema", "service"),
        ("ResourceNotFoundException", "", "service"),
        ("503", "", "service"),
    ],
)
def test_a_fault_knows_whether_it_is_about_a_right_or_one_item(code: str, message: str, concerns: str) -> None:
    assert fault_of(answered(code, message=message)).concerns == concerns


def without_descriptors() -> list[Exception]:
    """What both ways to AWS raise when this process may open no socket."""
    key = ConnectionKey("127.0.0.1", 4566, False, None, None, None, None)  # type: ignore[arg-type]
    refusal = OSError(errno.EMFILE, "Too many open files")
    inners = (NotConnectedError(*refusal.args), aiohttp.ClientConnectorError(key, refusal))
    return [sdk.EndpointConnectionError(endpoint_url=URL, error=inner) for inner in inners]


EXCEPTIONS = [
    *((error, "no file descriptor left", "ulimit -n", False) for error in without_descriptors()),
    (not_connected(), "cannot be reached at http://127.0.0.1:4566.", "AWS_ENDPOINT_URL", False),
    (sdk.ConnectTimeoutError(endpoint_url=URL, error="x"), "did not accept a connection", "network", False),
    (sdk.ReadTimeoutError(endpoint_url=URL, error="x"), "did not answer SendMessage in time", "keeps trying", True),
    (sdk.ConnectionClosedError(endpoint_url=URL, error="x"), "broke during SendMessage", "keeps trying", True),
    (
        sdk.EndpointConnectionError(endpoint_url=URL, error=aiohttp.ClientOSError(104, "reset")),
        "broke during SendMessage",
        "keeps trying",
        True,
    ),
    (sdk.HTTPClientError(error="x"), "broke", "keeps trying", True),
    (aiohttp.ClientPayloadError("short"), "broke", "keeps trying", True),
    (TimeoutError(), "did not answer", "keeps trying", True),
    (sdk.SSLError(endpoint_url=URL, error=ssl.SSLCertVerificationError("x")), "certificate", "AWS_CA_BUNDLE", False),
    (sdk.SSLError(endpoint_url=URL, error=ssl.SSLError("alert")), "No TLS connection to SQS", "keeps trying", False),
    (sdk.SSLError(endpoint_url=URL, error=OSError(2, "gone")), "CA bundle cannot be read", "AWS_CA_BUNDLE", False),
    (sdk.ProxyConnectionError(proxy_url="http://u:canary@p", error="x"), "proxy", "NO_PROXY", False),
    (sdk.NoRegionError(), "No AWS region", "AWS_REGION", False),
    (sdk.ProfileNotFound(profile="prod"), "profile (prod)", "AWS_PROFILE", False),
    (RuntimeError("odd"), "met RuntimeError: odd", "keeps trying", True),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), "met UnicodeDecodeError", "keeps trying", True),
    (sdk.ParamValidationError(report="Invalid bucket name"), "Invalid bucket name", "Look", False),
    (
        sdk.EndpointProviderError(msg="Invalid endpoint: http://user:canary@local host"),
        "endpoint of SQS cannot be used",
        "AWS_ENDPOINT_URL",
        False,
    ),
    (sdk.ChecksumError(checksum_type="crc", expected_checksum="1", actual_checksum="2"), "could not be read", "", True),
]


@pytest.mark.parametrize(
    ("error", "cause", "remedy", "ambiguous"),
    EXCEPTIONS,
    ids=[f"{number}-{type(row[0]).__name__}-{row[1][:9]}" for number, row in enumerate(EXCEPTIONS)],
)
def test_an_exception_is_told_in_words(error: Exception, cause: str, remedy: str, ambiguous: bool) -> None:
    fault = fault_of(error)
    assert cause in fault.cause
    assert remedy in fault.remedy
    assert fault.ambiguous is ambiguous
    assert "canary" not in str(fault)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_unknown_code_of_a_failing_service_is_ambiguous(status: int) -> None:
    assert fault_of(answered("Surprise", status)).ambiguous


def test_a_read_is_never_ambiguous_and_a_receive_is() -> None:
    error = answered("InternalServerError", 500)
    assert not fault_of(error, GET_ITEM).ambiguous
    assert fault_of(error, RECEIVE).ambiguous


def test_an_earlier_try_that_may_have_been_applied_makes_the_call_ambiguous() -> None:
    assert translate(not_connected(), UPDATE_ITEM, ABOUT, ambiguous=True).ambiguous
    assert not translate(not_connected(), GET_ITEM, ABOUT, ambiguous=True).ambiguous


@pytest.mark.parametrize("words", ["Signature expired: 20260101T000000Z is now earlier", "Signature not yet current"])
def test_a_signature_refused_for_its_time_is_the_clocks_fault(words: str) -> None:
    assert "clock is wrong" in fault_of(answered("InvalidSignatureException", 403, words)).cause


def test_an_item_over_the_limit_says_what_to_lower() -> None:
    error = answered("ValidationException", 400, "Item size to update has exceeded the maximum allowed size")
    assert "artifacts.inline_limit" in fault_of(error, UPDATE_ITEM).remedy


def test_a_forbidden_object_may_be_a_missing_one() -> None:
    assert "s3:ListBucket" in fault_of(answered("AccessDenied", 403), GET_OBJECT).remedy
    assert "s3:ListBucket" not in fault_of(answered("AccessDenied", 403), SEND).remedy


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken", "AccessDenied"])
def test_what_aws_says_of_a_signature_is_not_repeated(code: str) -> None:
    canonical = "The Canonical String for this request should have been 'x-amz-security-token:canary'"
    assert "canary" not in str(fault_of(answered(code, 403, canonical)))


def test_the_vendors_words_are_cut_and_put_on_one_line() -> None:
    fault = fault_of(answered("Odd", 400, "first\n  second " + "x" * 1000))
    assert "first second" in fault.cause
    assert "\n" not in fault.cause
    assert len(fault.cause) < 400


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_credentials_that_were_refused_are_stale(code: str) -> None:
    assert fault_of(answered(code)).stale
    assert not fault_of(answered("AccessDenied")).stale


@pytest.mark.parametrize("operation", [SEND, GET_OBJECT, UPDATE_ITEM])
def test_every_row_makes_two_whole_sentences(operation: Operation) -> None:
    errors = [answered(code) for code in BY_CODE] + [
        kind.__new__(kind) for kind, row in BY_CLASS if row is not UNFETCHED
    ]
    for error in errors:
        fault = fault_of(error, operation)
        for sentence in (fault.cause, fault.remedy):
            assert sentence[0].isupper() or sentence.startswith("cqworker"), sentence
            assert "{" not in sentence
        assert fault.remedy.endswith(".")
