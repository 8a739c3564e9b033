"""Why no daemon answered over HTTP: an error for each cause, with its remedy."""

from __future__ import annotations

import os
import socket
import ssl
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientResponseError,
    ClientSSLError,
    ConnectionTimeoutError,
    InvalidURL,
    NonHttpUrlClientError,
)

from cqworker.client.client_errors import DaemonUnreachable, ProxyRefused, UnreachableReason

CONNECT_TIMEOUT = 10.0
"""Seconds that a connection may take."""
PROXY_AUTHENTICATION = 407
"""Proxy Authentication Required (RFC 9110, 15.5.8)."""
PROXY_STATUSES = frozenset({PROXY_AUTHENTICATION, 502, 503, 504, *range(520, 528)})
"""What proxies and load balancers answer in place of the daemon behind them (RFC 9110, 15.5.8 and 15.6)."""
ASK_AGAIN = "Ask again; the daemon's log and `/readyz` say what it is busy with."
RESTARTED = "It was restarted, or a proxy between gave up: ask again, a submission with the same `key`."


def unreachable(url: str, error: Exception, seconds: float) -> DaemonUnreachable:
    """The error of a request that raised `error` in place of an answer, for which it waited `seconds`."""
    if isinstance(error, ClientConnectorCertificateError):  # a ValueError, too
        return _never_sent("tls", _untrusted_text(url, error.certificate_error))
    if isinstance(error, InvalidURL | NonHttpUrlClientError | ValueError):
        return _never_sent("url", f"No daemon answers at {url}: that is no URL. Write it like http://127.0.0.1:8080.")
    if isinstance(error, ClientSSLError):
        return _never_sent("tls", _no_tls_text(url, error))
    if isinstance(error, ConnectionTimeoutError):
        return _never_sent("connect", _no_connection_text(url, f"no connection within {CONNECT_TIMEOUT:g} s"))
    if isinstance(error, ClientConnectorError):
        return _connect_failed(url, error)
    if isinstance(error, TimeoutError):
        text = f"The daemon at {url} did not answer within {seconds:g} s. It is there, and slow. {ASK_AGAIN}"
        return DaemonUnreachable(text, ambiguous=True, reason="timeout")
    if isinstance(error, ClientResponseError):
        remedy = f"Correct the port, or write {_other_scheme(url)}."
        text = f"No daemon answers at {url}: what is there does not speak HTTP. {remedy}"
        return DaemonUnreachable(text, ambiguous=True, reason="protocol")
    return DaemonUnreachable(
        f"No daemon answers at {url}: the connection broke before the answer ({_text_of(error)}). {RESTARTED}",
        ambiguous=True,
        reason="broken",
    )


def refused_by_proxy(url: str, status: int) -> ProxyRefused:
    """The error of a request that a proxy or load balancer answered with `status`."""
    if status == PROXY_AUTHENTICATION:
        text = "a proxy before the daemon wants to know who asks. Reach the daemon past it"
    else:
        text = "a proxy or load balancer before the daemon does not reach it. See whether the daemon runs, and its log"
    return ProxyRefused(
        f"{url} answered {status} with something that is no job: {text}.", ambiguous=status != PROXY_AUTHENTICATION
    )


def _never_sent(reason: UnreachableReason, text: str) -> DaemonUnreachable:
    return DaemonUnreachable(text, ambiguous=False, reason=reason)


def _connect_failed(url: str, error: ClientConnectorError) -> DaemonUnreachable:
    why = error.os_error
    if isinstance(error, ClientConnectorDNSError) or isinstance(why, socket.gaierror):
        text = f"the name {urlsplit(url).hostname} does not resolve ({_system_text(why)})"
        return _never_sent(
            "name", f"No daemon answers at {url}: {text}. Correct the URL, or see to this machine's DNS."
        )
    if isinstance(why, ConnectionRefusedError):
        remedy = "Start one with `cqworker run`, or correct the URL."
        return _never_sent("refused", f"No daemon answers at {url}: {_system_text(why)}. {remedy}")
    if isinstance(why, ssl.SSLError):
        return _never_sent("tls", _no_tls_text(url, why))
    return _never_sent("connect", _no_connection_text(url, _system_text(why)))


def _no_connection_text(url: str, why: str) -> str:
    remedy = "The machine is down, or a firewall or route keeps it away: correct the URL, or open the way."
    tls = " Where it is served without TLS, write http://." if url.startswith("https:") else ""
    return f"No daemon answers at {url}: {why}. {remedy}{tls}{_proxy_hint(url)}"


def _untrusted_text(url: str, why: Exception) -> str:
    reason = getattr(why, "verify_message", "") or str(why)
    return (
        f"The certificate of {url} is not trusted: {reason.rstrip('.')}. "
        "Name the authority that signed it in SSL_CERT_FILE, or correct the host in the URL."
    )


def _no_tls_text(url: str, error: OSError) -> str:
    reason = getattr(error, "reason", None) or getattr(getattr(error, "os_error", None), "reason", None)
    why = str(reason or error).replace("_", " ").lower()
    return f"No TLS comes about with {url}: {why}. Where it is served without TLS, write {_other_scheme(url)}."


def _other_scheme(url: str) -> str:
    return "http://" if url.startswith("https:") else "https://"


def _proxy_hint(url: str) -> str:
    """A hint that the variable for proxies, which is set, is not used by this client."""
    variable = f"{urlsplit(url).scheme.upper()}_PROXY"
    named = os.environ.get(variable) or os.environ.get(variable.lower())
    return f" {variable} is set, and this client does not use it." if named else ""


def _system_text(error: OSError) -> str:
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror or error)  # a negative one is the resolver's


def _text_of(error: Exception | ClientError) -> str:
    if isinstance(error, OSError) and error.errno:
        return _system_text(error)
    return str(error).rstrip(".") or type(error).__name__
