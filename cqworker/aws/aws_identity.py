"""Who this process is to AWS: the region and the source of its credentials, as the SDK's own chain finds them."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError

from cqworker.aws.aws_call import DEADLINE
from cqworker.aws.credentials.credentials_cache import Keyring
from cqworker.aws.credentials_error import CredentialsError
from cqworker.aws.sdk.sdk_session import Sessions


@dataclass(frozen=True, slots=True)
class Identity:
    """`region` and `provider` are None where there is none; `fault` is why there are no keys of that provider."""

    region: str | None
    provider: str | None
    fault: CredentialsError | None = None


async def identity() -> Identity:
    """Look where the clients look: environment, profile, container, instance metadata; keys are really fetched."""
    sessions = Sessions()
    region = _region_of(sessions)
    keyring = Keyring(sessions.plain)
    try:
        await keyring.within(DEADLINE)
    except CredentialsError as error:
        return Identity(region, None, error)
    finally:
        await keyring.close()
    return Identity(region, keyring.provider)


def _region_of(sessions: Sessions) -> str | None:
    """None, too, where the profile cannot be read: its credentials say so."""
    try:
        region = sessions.plain().get_config_variable("region")
    except BotoCoreError:
        return None
    return str(region) if region else None
