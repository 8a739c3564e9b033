"""One embedded AWS for all tests here, with a client for each service and a queue and a table of each test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from cqworker.embedded import EmbeddedAws, running_aws_sync


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """Its threads take turns 250 times as often as usual: a missing lock shows in a second and not in a year."""
    impatient = tmp_path_factory.mktemp("impatient")
    (impatient / "sitecustomize.py").write_text("import sys\nsys.setswitchinterval(2e-5)\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(impatient)
        with running_aws_sync() as running:
            yield running


def _client(service: str, aws: EmbeddedAws, **options: Any) -> Any:
    return botocore.session.Session().create_client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=aws.environment["AWS_REGION"],
        aws_access_key_id=aws.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws.environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}, **options),
    )


@pytest.fixture(scope="session")
def sqs(aws: EmbeddedAws) -> Iterator[Any]:
    with closing(_client("sqs", aws)) as client:
        yield client


@pytest.fixture
def impatient_sqs(aws: EmbeddedAws) -> Iterator[Any]:
    with closing(_client("sqs", aws, read_timeout=0.5)) as client:
        yield client


@pytest.fixture(scope="session")
def dynamodb(aws: EmbeddedAws) -> Iterator[Any]:
    with closing(_client("dynamodb", aws)) as client:
        yield client


@pytest.fixture(scope="session")
def s3(aws: EmbeddedAws) -> Iterator[Any]:
    with closing(_client("s3", aws)) as client:
        yield client


@pytest.fixture
def new_queue(sqs: Any) -> Callable[..., str]:
    def create(**attributes: str) -> str:
        return str(sqs.create_queue(QueueName=f"q-{uuid.uuid4()}", Attributes=attributes)["QueueUrl"])

    return create


@pytest.fixture
def queue(new_queue: Callable[..., str]) -> str:
    return new_queue()


@pytest.fixture
def table(dynamodb: Any) -> str:
    name = f"t-{uuid.uuid4()}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
