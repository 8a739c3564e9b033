"""The region and the credentials of this process, as the SDK's own chain finds them."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError

from cqworker.aws.aws_call import DEADLINE_SECONDS
from cqworker.aws.credentials.credentials_cache import CredentialsCache
from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.sdk.sdk_session import SessionFactory


@dataclass(frozen=True, slots=True)
class AwsIdentity:
    """`region` and `provider` are None where there is none; `fault` is why there are no keys of that provider."""

    region: str | None
    provider: str | None
    fault: CredentialsError | None = None


async def find_identity() -> AwsIdentity:
    """Looks where the clients look: environment, profile, container, instance metadata; keys are really fetched."""
    sessions = SessionFactory()
    region = _region_of(sessions)
    cache = CredentialsCache(sessions.new_session)
    try:
        await cache.wait_for(DEADLINE_SECONDS)
    except CredentialsError as error:
        return AwsIdentity(region, None, error)
    finally:
        await cache.close()
    return AwsIdentity(region, cache.provider)


def _region_of(sessions: SessionFactory) -> str | None:
    """None, too, where the profile cannot be read: its credentials say so."""
    try:
        region = sessions.new_session().get_config_variable("region")
    except BotoCoreError:
        return None
    return str(region) if region else None
