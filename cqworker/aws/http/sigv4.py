"""Signature Version 4 of a JSON request, with the day's key made once.

Steps and words as in the AWS IAM User Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import lru_cache

from cqworker.aws.credentials.provider_chain import FrozenCredentials
from cqworker.aws.http.endpoint import Endpoint

CONTENT_TYPE = "application/x-amz-json-1.0"
ALGORITHM = "AWS4-HMAC-SHA256"


def sign(endpoint: Endpoint, target: str, body: bytes, credentials: FrozenCredentials, now: float) -> dict[str, str]:
    """The headers of a POST of `body` that sign it at `now` (epoch s), in the order of their names."""
    stamp = _timestamp(int(now))
    headers = {"Content-Type": CONTENT_TYPE, "Host": endpoint.host, "X-Amz-Date": stamp}
    if credentials.token:
        headers["X-Amz-Security-Token"] = credentials.token
    headers["X-Amz-Target"] = target
    headers.update(endpoint.headers)
    names, template = _canonical_template(tuple(headers), endpoint.path)
    canonical = template % (*headers.values(), hashlib.sha256(body).hexdigest())
    scope = f"{stamp[:8]}/{endpoint.region}/{endpoint.signing_name}/aws4_request"
    string_to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _daily_hmac(credentials.secret_key, stamp[:8], endpoint.region, endpoint.signing_name).copy()
    signature.update(string_to_sign.encode())
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, "
        f"Signature={signature.hexdigest()}"
    )
    return headers


@lru_cache(maxsize=16)
def _canonical_template(names: tuple[str, ...], path: str) -> tuple[str, str]:
    """The signed names, and the canonical request with a %s for each header's value and for the body's hash."""
    lower = [name.lower() for name in names]
    canonical_headers = "".join(f"{name}:%s\n" for name in lower)
    return ";".join(lower), f"POST\n{path.replace('%', '%%')}\n\n{canonical_headers}\n{';'.join(lower)}\n%s"


@lru_cache(maxsize=2)
def _timestamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@lru_cache(maxsize=4)
def _daily_hmac(secret: str, day: str, region: str, service: str) -> hmac.HMAC:
    """The keyed hash that signs all of a day's requests: a copy of it is cheaper than one made from the key."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")
