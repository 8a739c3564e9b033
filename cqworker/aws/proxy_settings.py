"""The HTTP proxy between this process and a service, as the SDK finds it: in the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError
from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies


class ProxyUnusable(BotoCoreError):
    """A proxy of a kind that neither the SDK nor our client can use, such as SOCKS."""

    fmt = "{proxy}"


class ProxyMute(BotoCoreError):
    """A proxy that does not answer, so that nothing was sent to the service."""

    fmt = "{proxy}"


def proxy_for(url: str) -> str | None:
    """The proxy on the way to an endpoint, None where the way is direct; raises ProxyUnusable."""
    proxies = get_environ_proxies(url)
    configured = str(proxies.get(urlsplit(url).scheme) or "")
    if "://" in configured and urlsplit(configured).scheme.lower() not in (
        "http",
        "https",
    ):  # the SDK would put http:// before it
        raise ProxyUnusable(proxy=_without_login(configured))
    proxy = ProxyConfiguration(proxies=proxies).proxy_url_for(url)
    return str(proxy) if proxy else None


def _without_login(proxy: str) -> str:
    """Without user and password."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
