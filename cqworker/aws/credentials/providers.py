"""Where credentials come from, by the SDK's names of its providers: what a source is called, and what mends it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiobotocore.session import AioSession

from cqworker.aws.error_table import ROLE

IMDS_URL = "http://169.254.169.254"
ECS_URL = "http://169.254.170.2"
"""Where EC2 and ECS hand out credentials (AWS SDKs reference guide, "IMDS" and "container credential provider")."""


@dataclass(frozen=True, slots=True)
class CredentialsSource:
    """The name of a source as the end of "cannot be had from …", and what mends it."""

    name: str
    remedy: str


def source_of(session: AioSession, provider: str) -> CredentialsSource:
    """The source of this provider as the session is configured; raises what the SDK raises for its configuration."""
    if known := SOURCES.get(provider):
        return known(session)
    return CredentialsSource(f'the provider "{provider}"' if provider else "their providers", ROLE)


def _environment(_: AioSession) -> CredentialsSource:
    return CredentialsSource(
        "the environment", "correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and what limits them."
    )


def _profile(session: AioSession) -> str:
    return f'the AWS profile "{session.get_config_variable("profile") or "default"}"'


def _profile_setting(session: AioSession, name: str, variable: str = "") -> str:
    """A value of the profile or its variable; "" where neither says it."""
    return str(os.environ.get(variable, "") or session.get_scoped_config().get(name, ""))


def _role(session: AioSession) -> CredentialsSource:
    return CredentialsSource(
        f"{_profile(session)} (role {_profile_setting(session, 'role_arn') or 'unknown'})",
        f"correct the profile in {session.get_config_variable('config_file')}, or the trust policy of the role.",
    )


def _web_identity(session: AioSession) -> CredentialsSource:
    token = _profile_setting(session, "web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE")
    role = _profile_setting(session, "role_arn", "AWS_ROLE_ARN") or "unknown"
    return CredentialsSource(
        f"the web identity token {token} (role {role})",
        "check that the token is mounted, that STS can be reached, and the trust policy of the role.",
    )


def _process(session: AioSession) -> CredentialsSource:
    """The program alone: what follows it may be a secret."""
    command = _profile_setting(session, "credential_process")
    program = command.split(" ", 1)[0]
    with suppress(ValueError):
        program = next(iter(shlex.split(command)), program)
    return CredentialsSource(
        f"the credential_process {program} of {_profile(session)}",
        f"run it by hand, or correct {session.get_config_variable('config_file')}.",
    )


def _sso(session: AioSession) -> CredentialsSource:
    return CredentialsSource(
        f"IAM Identity Center for {_profile(session)}", "run `aws sso login`, or give the process a role."
    )


def _file(variable: str) -> Callable[[AioSession], CredentialsSource]:
    def read(session: AioSession) -> CredentialsSource:
        name = session.get_config_variable(variable)
        return CredentialsSource(f"{name} ({_profile(session)})", f"correct {name}, or AWS_PROFILE.")

    return read


def _container(_: AioSession) -> CredentialsSource:
    relative = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    address = f"{ECS_URL}{relative}" if relative else os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    return CredentialsSource(
        f"the container's endpoint {address}",
        f"check the task's or the pod's role, that this address answers{f', and {token}' if token else ''}.",
    )


def _instance(session: AioSession) -> CredentialsSource:
    address: Any = session.get_config_variable("ec2_metadata_service_endpoint") or IMDS_URL
    return CredentialsSource(
        f"the EC2 instance metadata service at {address}",
        "check the instance's role, its hop limit for containers (2), or " + ROLE,
    )


SOURCES: dict[str, Callable[[AioSession], CredentialsSource]] = {
    "env": _environment,
    "assume-role": _role,
    "assume-role-with-web-identity": _web_identity,
    "custom-process": _process,
    "sso": _sso,
    "login": _sso,
    "shared-credentials-file": _file("credentials_file"),
    "config-file": _file("config_file"),
    "container-role": _container,
    "iam-role": _instance,
}
