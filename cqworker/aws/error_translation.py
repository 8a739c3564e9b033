"""From an error of AWS, its SDK or the network to an Unavailable, by error_table."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientConnectorCertificateError, ClientConnectorError, ClientSSLError
from botocore import exceptions as sdk

from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.error_table import (
    BROKEN,
    BUNDLE,
    BY_CLASS,
    CLOCK,
    DENIED,
    DESCRIPTORS,
    HANDSHAKE,
    KEY,
    NO_ANSWER,
    NO_CONNECTION,
    OTHER_KEYS,
    PROXY,
    PROXY_LOGIN,
    PROXY_MUTE,
    PROXY_SLOW,
    REFUSED,
    SERVER,
    SIGNATURE,
    TLS,
    TOO_BIG,
    UNREACHABLE,
    Row,
    row_by_code,
)
from cqworker.aws.operations import Operation
from cqworker.aws.proxy_settings import proxy_for
from cqworker.errors import CREDENTIALS, OUT_OF_DESCRIPTORS, Concern, Unavailable, safe_text

SERVICE_NAMES = {"sqs": "SQS", "dynamodb": "DynamoDB", "s3": "S3"}
KMS_KEY_DENIED = ("to perform: kms:", "kms key")
"""How S3 and DynamoDB say that the KMS key behind a resource is denied, under the code of any denial."""
OTHER_TABLE_KEYS = ("key element does not match", "missing the key", "type mismatch for key")
"""How DynamoDB says that a table has other keys than the request."""
UNKNOWN_ENDPOINT = "https://amazonaws.com"
"""Where a call goes whose error does not say it: our own deadline's."""
MAX_QUOTE_CHARS = 300
"""Characters of the vendor's own words that a fault repeats: enough for a sentence, too few for a page of HTML."""


class NotConnectedError(OSError):
    """The JSON client could not connect, so nothing was sent."""


class Garbled(sdk.BotoCoreError):
    """An answer that does not do: its checksum is wrong, it is no JSON object, it lacks what proves it."""

    fmt = "The answer could not be read: {reason}"


class AwsFault(Unavailable):
    """An Unavailable that knows the vendor's `code`, and whether fresh credentials may mend it (`stale`)."""

    def __init__(  # noqa: PLR0913 - a fault says all that is known of it
        self,
        service: str,
        cause: str,
        remedy: str,
        *,
        ambiguous: bool,
        code: str,
        stale: bool,
        concerns: Concern = "service",
    ) -> None:
        super().__init__(service, cause, remedy, ambiguous=ambiguous, concerns=concerns)
        self.code = code
        self.stale = stale


def code_of(error: Exception) -> str:
    """The service's error code, or the name of the SDK's exception."""
    if isinstance(error, CredentialsError):
        return error.code
    if isinstance(error, sdk.ClientError):
        return str(error.response.get("Error", {}).get("Code") or _status(error.response))
    return type(error).__name__


def may_have_applied(error: Exception) -> bool:
    """Whether a write that ended so may have been applied all the same."""
    return row_of(error).ambiguous


def translate(error: Exception, operation: Operation, about: str, *, ambiguous: bool) -> AwsFault:
    """What to raise for `error`; `ambiguous` says that one of the call's tries may have been applied."""
    if isinstance(error, CredentialsError):
        ambiguous = operation.writes and ambiguous
        return AwsFault(CREDENTIALS, error.cause, error.remedy, ambiguous=ambiguous, code=error.code, stale=False)
    row = row_of(error)
    facts = {
        "service": SERVICE_NAMES[operation.service],
        "operation": operation.name,
        "action": operation.action,
        "about": about,
        "code": code_of(error),
        "message": _message(error),
        "inner": quote_safely(_inner(error) or "").rstrip("."),
        "endpoint": _endpoint(error),
        "request": _request_id(error),
        "hint": " Allow s3:ListBucket too: without it S3 hides that an object is missing."
        if operation.name == "GetObject"
        else "",
    }
    return AwsFault(
        operation.service,
        row.cause.format_map(facts),
        row.remedy.format_map(facts),
        ambiguous=operation.writes and (ambiguous or row.ambiguous),
        code=facts["code"],
        stale=row.stale,
        concerns=row.concerns,
    )


def garbled_answer(operation: Operation, about: str, reason: str) -> AwsFault:
    """What to raise for an answer that does not say what a call of this operation is answered."""
    return translate(Garbled(reason=reason), operation, about, ambiguous=False)


def row_of(error: Exception) -> Row:
    """The row of the table that fits."""
    if isinstance(error, sdk.ClientError):
        return _row_of_refusal(error)
    row = next(row for kind, row in BY_CLASS if isinstance(error, kind))
    if _lacks_descriptors(error):
        return DESCRIPTORS
    if row is TLS:
        return _row_of_tls_error(error)
    if row is PROXY and getattr(_inner(error), "status", None) == 407:
        return PROXY_LOGIN
    if row in (NO_CONNECTION, NO_ANSWER) and _has_proxy(error):
        return PROXY_MUTE if row is NO_CONNECTION else PROXY_SLOW
    if row is UNREACHABLE and not _never_connected(error):
        return BROKEN
    return row


def _row_of_refusal(error: sdk.ClientError) -> Row:
    code, message, status = code_of(error), _message(error).lower(), _status(error.response)
    row = row_by_code(code)
    if row is SIGNATURE and ("signature expired" in message or "not yet current" in message):
        return CLOCK
    if code == "ValidationException" and "item size" in message:
        return TOO_BIG
    if code == "ValidationException" and any(words in message for words in OTHER_TABLE_KEYS):
        return OTHER_KEYS
    if row is DENIED and any(words in message for words in KMS_KEY_DENIED):
        return KEY
    if row is None and status >= 500:
        return SERVER
    return row or REFUSED


def _has_proxy(error: Exception) -> bool:
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return proxy_for(str(url or UNKNOWN_ENDPOINT)) is not None


def _row_of_tls_error(error: Exception) -> Row:
    """Only a certificate that does not verify is a certificate's fault; the rest is a connection that broke early."""
    inner = _inner(error)
    if isinstance(inner, ssl.SSLCertVerificationError | ClientConnectorCertificateError):
        return TLS
    return HANDSHAKE if isinstance(inner, ssl.SSLError | ClientSSLError) else BUNDLE


def _inner(error: Exception) -> object:
    return getattr(error, "kwargs", {}).get("error")


def _never_connected(error: Exception) -> bool:
    """aiobotocore says "could not connect" of any connection error, also of one that broke after sending."""
    inner = getattr(error, "kwargs", {}).get("error")
    return isinstance(inner, ClientConnectorError | NotConnectedError)


def _lacks_descriptors(error: BaseException) -> bool:
    """Whether it was our own process that had no descriptor for a socket: no service is to blame, nothing was sent."""
    inner = getattr(error, "kwargs", {}).get("error") or getattr(error, "os_error", None)
    return getattr(error, "errno", None) in OUT_OF_DESCRIPTORS or (inner is not None and _lacks_descriptors(inner))


def _status(response: Mapping[str, Any]) -> int:
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _message(error: Exception) -> str:
    """The vendor's own words, for rows that quote them: none of those is about signatures or keys."""
    return quote_safely(
        error.response.get("Error", {}).get("Message", "") if isinstance(error, sdk.ClientError) else safe_text(error)
    )


def quote_safely(text: object) -> str:
    """Somebody else's words on one line, without the passwords in URLs, cut to MAX_QUOTE_CHARS."""
    return " ".join(re.sub(r"//[^/@\s]*@", "//", str(text)).split())[:MAX_QUOTE_CHARS]


def _request_id(error: Exception) -> str:
    """What AWS's support asks for first."""
    metadata = error.response.get("ResponseMetadata", {}) if isinstance(error, sdk.ClientError) else {}
    return f" AWS knows this request as {metadata['RequestId']}." if metadata.get("RequestId") else ""


def _endpoint(error: Exception) -> str:
    parts = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", "")))
    return (
        f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
        if parts.hostname
        else "its endpoint"
    )
