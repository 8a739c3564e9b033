"""Signature Version 4 of a JSON request, with the day's key made once.

Steps and words as in the AWS IAM User Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import lru_cache

from cqworker.aws.credentials.provider_chain import Keys
from cqworker.aws.http.endpoint import Address

CONTENT_TYPE = "application/x-amz-json-1.0"
ALGORITHM = "AWS4-HMAC-SHA256"


def signed(address: Address, target: str, body: bytes, keys: Keys, now: float) -> dict[str, str]:
    """The headers of a POST of `body` to `address`, signed at `now` (epoch s); they are in the order of their names."""
    stamp = _stamp(int(now))
    headers = {"Content-Type": CONTENT_TYPE, "Host": address.host, "X-Amz-Date": stamp}
    if keys.token:
        headers["X-Amz-Security-Token"] = keys.token
    headers["X-Amz-Target"] = target
    headers.update(address.headers)
    names, template = _canonical(tuple(headers), address.path)
    canonical = template % (*headers.values(), hashlib.sha256(body).hexdigest())
    scope = f"{stamp[:8]}/{address.region}/{address.signing_name}/aws4_request"
    claim = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _hmac_of_the_day(keys.secret_key, stamp[:8], address.region, address.signing_name).copy()
    signature.update(claim.encode())
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature.hexdigest()}"
    )
    return headers


@lru_cache(maxsize=16)
def _canonical(names: tuple[str, ...], path: str) -> tuple[str, str]:
    """The signed names, and the canonical request with a %s for each header's value and for the body's hash."""
    lower = [name.lower() for name in names]
    said = "".join(f"{name}:%s\n" for name in lower)
    return ";".join(lower), f"POST\n{path.replace('%', '%%')}\n\n{said}\n{';'.join(lower)}\n%s"


@lru_cache(maxsize=2)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@lru_cache(maxsize=4)
def _hmac_of_the_day(secret: str, day: str, region: str, service: str) -> hmac.HMAC:
    """The keyed hash that signs all of a day's requests: a copy of it is cheaper than one made from the key."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")
