"""Sessions of the SDK as this process makes them: one data loader for all, and defaults of ours."""

from __future__ import annotations

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.loaders import Loader

from cqworker.aws.call_limits import SDK_CONNECT_SECONDS
from cqworker.aws.credentials.credentials_cache import CredentialsCache
from cqworker.aws.sdk.endpoint_data import TrimmedLoader
from cqworker.aws.tls_context import SdkHttpSession

SESSION_VARIABLES: dict[str, tuple[object, ...]] = {
    "region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None),
    "metadata_service_num_attempts": (
        "metadata_service_num_attempts",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        5,
        int,
    ),
    "metadata_service_timeout": ("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT", 2, int),
}
"""Where this SDK's own defaults will not do: it knows no AWS_REGION, and asks EC2 for credentials once, for 1 s.

What the operator sets still wins: each names its profile entry, its variables, the default and the type.
"""

CHAIN_CONFIG = AioConfig(
    connect_timeout=SDK_CONNECT_SECONDS,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    http_session_cls=SdkHttpSession,
)
"""How STS and IAM Identity Center are asked for credentials: the SDK's own bounds are a minute and five tries."""


class SessionFactory:
    """Makes sessions that share the SDK's data."""

    def __init__(self) -> None:
        self._loader: Loader = TrimmedLoader()

    def new_session(self) -> AioSession:
        """A session whose credentials are found by the SDK's own chain."""
        session = AioSession(session_vars=SESSION_VARIABLES)
        session.register_component("data_loader", self._loader)
        session.set_default_client_config(CHAIN_CONFIG)
        return session

    def new_session_with(self, credentials: CredentialsCache) -> AioSession:
        """A session whose clients sign with these credentials."""
        session = AioSession(session_vars=SESSION_VARIABLES)
        session.register_component("data_loader", self._loader)
        session.register_component("credential_provider", credentials)
        return session
