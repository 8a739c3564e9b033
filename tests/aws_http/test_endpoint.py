"""Where the JSON client finds the services: as the SDK's own rules say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiobotocore.session import AioSession

from cqworker.aws.http.endpoint import QUERY_MODE, Endpoint, find_endpoint
from cqworker.aws.sdk.sdk_session import SESSION_VARIABLES
from tests.contract.worlds import use_environment

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AioSession]:
    """A session in an environment of these variables alone."""

    def turn(**environment: str) -> AioSession:
        use_environment(monkeypatch, {**KEYS, **environment})
        return AioSession(session_vars=SESSION_VARIABLES)

    return turn


@pytest.mark.parametrize(
    ("environment", "sqs", "dynamodb"),
    [
        ({"AWS_REGION": "eu-central-1"}, "sqs.eu-central-1.amazonaws.com", "dynamodb.eu-central-1.amazonaws.com"),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "sqs.us-east-1.amazonaws.com", "dynamodb.us-east-1.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, "sqs.cn-north-1.amazonaws.com.cn", "dynamodb.cn-north-1.amazonaws.com.cn"),
        (
            {"AWS_REGION": "us-west-2", "AWS_USE_FIPS_ENDPOINT": "true"},
            "sqs-fips.us-west-2.amazonaws.com",
            "dynamodb-fips.us-west-2.amazonaws.com",
        ),
        (
            {"AWS_REGION": "us-west-2", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "sqs.us-west-2.api.aws",
            "dynamodb.us-west-2.api.aws",
        ),
    ],
)
async def test_a_region_has_its_endpoints(
    turned: Callable[..., AioSession], environment: dict[str, str], sqs: str, dynamodb: str
) -> None:
    for service, host in (("sqs", sqs), ("dynamodb", dynamodb)):
        address = await find_endpoint(turned(**environment), service)
        assert (address.url.scheme, address.host, address.path) == ("https", host, "/")
        assert (address.signing_name, address.region) == (service, next(iter(environment.values())))


async def test_an_endpoint_of_ones_own_keeps_its_port_and_path(turned: Callable[..., AioSession]) -> None:
    session = turned(
        AWS_REGION="us-east-1",
        AWS_ENDPOINT_URL="http://localhost:4566/aws/",
        AWS_ENDPOINT_URL_DYNAMODB="http://[::1]:8000",
    )
    sqs, dynamodb = await find_endpoint(session, "sqs"), await find_endpoint(session, "dynamodb")
    assert (str(sqs.url), sqs.host, sqs.path) == ("http://localhost:4566/aws/", "localhost:4566", "/aws/")
    assert (dynamodb.host, dynamodb.path) == ("[::1]:8000", "/")
    assert (sqs.headers, dynamodb.headers) == (QUERY_MODE, {})


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({"https_proxy": "http://proxy:3128", "no_proxy": ""}, "http://proxy:3128"),
        ({"https_proxy": "proxy:3128", "no_proxy": ""}, "http://proxy:3128"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": ""}, None),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "amazonaws.com"}, None),
    ],
)
async def test_the_proxy_is_that_of_the_environment(
    turned: Callable[..., AioSession],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    proxy: str | None,
) -> None:
    session = turned(AWS_REGION="us-east-1")
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv(name, variables.get(name, ""))
    address: Endpoint = await find_endpoint(session, "sqs")
    assert address.proxy == proxy
