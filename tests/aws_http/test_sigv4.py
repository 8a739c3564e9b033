"""Our signatures and those of botocore's signer, which we take for the truth."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import NamedTuple
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.httpsession import get_cert_path
from hypothesis import given, settings
from hypothesis import strategies as st

from cqworker.aws.http.endpoint import QUERY_MODE, Endpoint, endpoint_of
from cqworker.aws.http.sigv4 import CONTENT_TYPE, sign


class Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None


VISIBLE = st.text(string.ascii_letters + string.digits + "+/=-_.!%&#", min_size=1, max_size=60)
HOSTS = st.sampled_from(
    ("sqs.eu-central-1.amazonaws.com", "localhost:4566", "127.0.0.1:80", "h:443", "[::1]:8000", "xn--bcher-kva.example")
)
PATHS = st.lists(st.text(string.ascii_letters + string.digits + "-._~!$'()*+,;=:@%20é ", max_size=8), max_size=4)
URLS = st.builds(
    lambda scheme, host, path: f"{scheme}://{host}/{'/'.join(path)}", st.sampled_from(("http", "https")), HOSTS, PATHS
)
ADDRESSES = st.builds(
    endpoint_of,
    url=URLS,
    region=st.sampled_from(("us-east-1", "cn-north-1", "eu-isoe-west-1")),
    signing_name=st.sampled_from(("sqs", "dynamodb")),
    headers=st.sampled_from(({}, QUERY_MODE)),
    bundle=st.just(str(get_cert_path(True))),
)
KEYS = st.builds(Credentials, VISIBLE, VISIBLE, st.none() | VISIBLE)
SECONDS = st.integers(0, 4_102_444_799)


def signed_by_botocore(address: Endpoint, target: str, body: bytes, keys: Credentials, second: int) -> dict[str, str]:
    """The headers that botocore's signer sends for the same request."""
    headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": target, **address.headers}
    request = AWSRequest("POST", str(address.url), headers, body)
    now = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda: now):
        SigV4Auth(ReadOnlyCredentials(*keys), address.signing_name, address.region).add_auth(request)
    return dict(request.headers.items())


@settings(deadline=None, max_examples=50)
@given(ADDRESSES, VISIBLE, st.binary(max_size=300), KEYS, SECONDS)
def test_a_request_is_signed_as_botocore_signs_it(
    address: Endpoint, target: str, body: bytes, keys: Credentials, second: int
) -> None:
    ours = sign(address, target, body, keys, second + 0.5)
    assert ours.pop("Host") == address.host
    assert ours == signed_by_botocore(address, target, body, keys, second)


def test_the_key_is_that_of_the_day_the_secret_the_region_and_the_service() -> None:
    here = endpoint_of("http://h/", "us-east-1", "sqs", {}, "")
    elsewhere = (
        endpoint_of("http://h/", "eu-west-1", "sqs", {}, ""),
        endpoint_of("http://h/", "us-east-1", "dynamodb", {}, ""),
    )
    old, new = Credentials("A", "old", None), Credentials("A", "new", None)
    for address, keys, second in (
        (here, old, 86_399),
        (here, old, 86_400),
        (here, new, 86_400),
        *((address, new, 86_400) for address in elsewhere),
        (here, old, 86_399),
    ):
        ours = sign(address, "AmazonSQS.SendMessage", b"{}", keys, second)
        theirs = signed_by_botocore(address, "AmazonSQS.SendMessage", b"{}", keys, second)
        assert ours["Authorization"] == theirs["Authorization"]
