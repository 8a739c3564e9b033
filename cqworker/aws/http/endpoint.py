"""The endpoint of a service, by the SDK's own rules: endpoint variables, profiles, FIPS, proxies, CA bundles."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from aiobotocore.session import AioSession
from botocore.exceptions import EndpointProviderError, SSLError
from botocore.httpsession import get_cert_path
from botocore.utils import normalize_url_path
from yarl import URL

from cqworker.aws.proxy_settings import proxy_for
from cqworker.aws.sdk.sdk_variables import USER_AGENT, user_agent_of
from cqworker.aws.tls_context import new_tls_context

QUERY_MODE = {"X-Amzn-Query-Mode": "true"}
"""Makes SQS answer with the codes of its older protocol, which the SDK asks for, too."""
PROBES: Mapping[str, str] = {"sqs": "list_queues", "dynamodb": "list_tables"}
"""A method of each service whose request shows where the service is; it is never sent."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: `host` and `path` as a signature quotes them, `headers` that every request to it carries."""

    url: URL
    host: str
    path: str
    region: str
    signing_name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy: str | None = None
    tls: ssl.SSLContext | bool = True
    user_agent: str = USER_AGENT


async def find_endpoint(session: AioSession, service: str) -> Endpoint:
    """Lets a client of the SDK prepare a request that is never sent; raises what the SDK raises."""
    found: dict[str, Any] = {}

    def note(params: Mapping[str, Any], request_signer: Any, **_: object) -> tuple[object, dict[str, object]]:
        found.update(url=params["url"], region=request_signer.region_name, signing_name=request_signer.signing_name)
        return SimpleNamespace(status_code=200, headers={}), {}

    try:
        async with session.create_client(service) as client:
            client.meta.events.register(f"before-call.{service}", note)
            await getattr(client, PROBES[service])()
    except ValueError as error:  # how the SDK says that AWS_ENDPOINT_URL is none
        raise EndpointProviderError(msg=str(error)) from None
    bundle = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or get_cert_path(True)
    endpoint = endpoint_of(**found, headers=QUERY_MODE if service == "sqs" else {}, bundle=str(bundle))
    return replace(endpoint, user_agent=user_agent_of(session))


def endpoint_of(url: str, region: str, signing_name: str, headers: Mapping[str, str], bundle: str) -> Endpoint:
    """The endpoint with this URL; raises the SDK's SSLError where the CA bundle cannot be read."""
    parsed = URL(url)
    return Endpoint(
        url=parsed,
        host=parsed.host_port_subcomponent or "",
        path=quote(normalize_url_path(parsed.raw_path), safe="/~"),
        region=region,
        signing_name=signing_name,
        headers=headers,
        proxy=proxy_for(url),
        tls=_tls_context(url, bundle) if parsed.scheme == "https" else True,
    )


@lru_cache(maxsize=4)
def _tls_context(url: str, bundle: str) -> ssl.SSLContext:
    try:
        context = new_tls_context()
        context.load_verify_locations(bundle)
    except OSError as error:
        raise SSLError(endpoint_url=url, error=error) from None
    return context
