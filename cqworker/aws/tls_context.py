"""The TLS context of every connection to AWS, through the SDK or past it, made as the SDK makes its own."""

from __future__ import annotations

import ssl

from aiobotocore.httpsession import AIOHTTPSession
from botocore.httpsession import create_urllib3_context


def new_tls_context() -> ssl.SSLContext:
    """The SDK's context, without any CA yet.

    Python's own default would refuse, from 3.13 on, private CAs that the SDK accepts (VERIFY_X509_STRICT). The SDK
    leaves the check of host names to urllib3, and its asynchronous HTTP client makes none: here the context does.
    """
    context: ssl.SSLContext = create_urllib3_context()
    context.check_hostname = True
    return context


class SdkHttpSession(AIOHTTPSession):
    """The SDK's HTTP session, with this context."""

    def _get_ssl_context(self) -> ssl.SSLContext:
        return new_tls_context()
