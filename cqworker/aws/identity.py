"""Who this process is to AWS: the region and the source of its credentials, as the SDK's own chain finds them."""

from __future__ import annotations

from dataclasses import dataclass

from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError

from cqworker.aws.generation import SESSION_VARIABLES


@dataclass(frozen=True, slots=True)
class Identity:
    """`region` and `provider` are None where there is none; `fault` is why credentials could not be fetched."""

    region: str | None
    provider: str | None
    fault: str | None = None


async def identity() -> Identity:
    """Look where the clients look: environment, profile, container, instance metadata."""
    session = AioSession(session_vars=SESSION_VARIABLES)
    try:
        region = session.get_config_variable("region")
        credentials = await session.get_credentials()
    except BotoCoreError as error:
        return Identity(None, None, str(error))
    return Identity(region, credentials.method if credentials else None)
