"""What is wrong with credentials, in words: which provider, which file, which address, and what mends it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from json import JSONDecodeError
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.session import AioSession
from botocore import exceptions as sdk

from cqworker.aws import error_table
from cqworker.aws.credentials.providers import CredentialsSource, source_of
from cqworker.aws.credentials_error import CodeNeeded, CredentialsError
from cqworker.aws.error_translation import code_of, quote_safely, row_of
from cqworker.errors import safe_text

EXPIRED_ON_ARRIVAL = "they have expired, though they were just handed out"


def no_credentials(session: AioSession) -> CredentialsError:
    """No provider has any credentials."""
    tried = ""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
        tried = f" {_capitalize(source_of(session, 'iam-role').name)} gave none either."
    cause = f"No AWS credentials were found.{tried}"
    return CredentialsError(cause=cause, remedy="To mend it, " + error_table.ROLE, code="NoCredentialsError")


def no_answer(session: AioSession, provider: str, seconds: float) -> CredentialsError:
    """A provider did not answer within `seconds`."""
    return _credentials_error(session, provider, f"no answer came within {seconds:g} s", "NoAnswer")


def unusable_credentials(session: AioSession, provider: str, what: str) -> CredentialsError:
    """A provider gave keys that cannot be any; `what` is wrong with them."""
    return _credentials_error(session, provider, what, "UnusableKeys")


def diagnose(session: AioSession, provider: str, error: Exception) -> CredentialsError:
    """What an exception raised by this provider means."""
    if isinstance(error, sdk.ProfileNotFound | sdk.ConfigParseError | sdk.ConfigNotFound):
        cause = f"The AWS profile cannot be used: {quote_safely(str(error)).rstrip('.')}."
        return CredentialsError(cause=cause, remedy=error_table.PROFILE.remedy, code=code_of(error))
    deeper = str(getattr(error, "kwargs", {}).get("provider", ""))
    return _credentials_error(session, deeper or provider, detail_of(error), code_of(error), error)


def _credentials_error(
    session: AioSession, provider: str, detail: str, code: str, error: Exception | None = None
) -> CredentialsError:
    source = CredentialsSource("their provider", error_table.ROLE)
    with suppress(Exception):  # a profile that cannot be read names nothing
        source = source_of(session, provider)
    cause = f"AWS credentials cannot be had from {source.name}: {detail.rstrip('.')}."
    if isinstance(error, CodeNeeded):
        remedy = "Use a role or a profile that needs no code; nobody can type one for a daemon."
    else:
        remedy = _capitalize(source.remedy)
    return CredentialsError(cause=cause, remedy=remedy, code=code)


def _capitalize(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def detail_of(error: Exception) -> str:
    """What happened, as the end of a sentence."""
    return next(say(error) for kind, say in DETAILS if isinstance(error, kind))


def _file_detail(error: Any) -> str:
    name = error.filename or "a file"
    if isinstance(error, FileNotFoundError):
        return f"{name} does not exist"
    if isinstance(error, PermissionError):
        return f"{name} may not be used by this user"
    return quote_safely(f"{error.strerror or error}: {name}")


def _refusal_detail(error: Any) -> str:
    """What STS or IAM Identity Center answered; about a signature its text would quote secrets."""
    text = f": {quote_safely(error.response['Error'].get('Message', ''))}"
    secret = row_of(error) in (error_table.SIGNATURE, error_table.CLOCK, error_table.EXPIRED)
    return f"AWS refuses {error.operation_name} with {code_of(error)}{'' if secret else text.rstrip(': ')}"


def _endpoint_detail(error: Any) -> str:
    parts = urlsplit(str(error.kwargs.get("endpoint_url") or error.kwargs.get("endpoint") or ""))
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port} cannot be reached" if parts.hostname else quote_safely(str(error))


def _runtime_detail(error: Any) -> str:
    """The SDK's only RuntimeError here (botocore.credentials, RefreshableCredentials)."""
    return EXPIRED_ON_ARRIVAL if "still expired" in str(error) else _unforeseen_detail(error)


def _value_detail(error: Any) -> str:
    """A ParserError is dateutil's, by which the SDK reads when credentials end."""
    text = quote_safely(str(error))
    return f"its Expiration is no date ({text})" if type(error).__name__ == "ParserError" else text


def _unforeseen_detail(error: Any) -> str:
    return quote_safely(f"{type(error).__name__}: {safe_text(error)}")


DETAILS: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (TimeoutError, lambda _: "no answer came in time"),
    (CodeNeeded, lambda error: f"an MFA code is asked for ({error})"),
    (EOFError, lambda _: "an MFA code is asked for"),
    (sdk.InfiniteLoopConfigError, lambda error: f"source_profile runs in a circle ({_profile_circle(error)})"),
    (sdk.ClientError, _refusal_detail),
    (sdk.ConnectionError, _endpoint_detail),
    (sdk.CredentialRetrievalError, lambda error: quote_safely(str(error.kwargs.get("error_msg", error)))),
    (sdk.MetadataRetrievalError, lambda error: quote_safely(str(error.kwargs.get("error_msg", error)))),
    (sdk.BotoCoreError, lambda error: quote_safely(str(error))),
    (JSONDecodeError, lambda _: "what it says is no JSON"),
    (UnicodeDecodeError, lambda _: "what it says is no UTF-8"),
    (OSError, _file_detail),
    (KeyError, lambda error: f"what it says lacks {error}"),
    (RuntimeError, _runtime_detail),
    (ValueError, _value_detail),
    (Exception, _unforeseen_detail),
)


def _profile_circle(error: Any) -> str:
    visited = [str(name) for name in error.kwargs.get("visited_profiles", ())]
    return " → ".join([*visited, str(error.kwargs.get("source_profile", "?"))])
