"""One `cqworker dev` for all tests of the command line, and resources of each test's own on its AWS."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import botocore.session
import pytest
import pytest_asyncio

from cqworker.aws.clients import AwsClients
from cqworker.aws.provision import provision
from cqworker.events import ignore
from cqworker.settings import ArtifactSettings, QueueSettings, Settings, StoreSettings
from tests.cli.hands import Hands, Remembering
from tests.cli.running import Dev, plain_environment


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings or the AWS of whoever runs it."""
    kept = plain_environment()
    for name in set(os.environ) - set(kept):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def on_aws(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's AWS is that of `dev`."""
    for name, value in dev.exports.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def settings() -> Settings:
    """Resources that nobody else uses; none of them exists yet."""
    return _own()


def _own() -> Settings:
    own = uuid.uuid4().hex[:12]
    return Settings(
        store=StoreSettings(table=f"table-{own}"),
        queues=(QueueSettings(name=f"queue-{own}", dead_letter_queue=f"dead-{own}"),),
        artifacts=ArtifactSettings(bucket=f"bucket-{own}"),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened_clients(dev: Dev) -> AsyncIterator[AwsClients]:
    """Clients are costly to make: a module of tests, and its event loop, shares them."""
    async with AwsClients(ignore, lean=False) as opened:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in dev.exports.items():
                patch.setenv(name, value)
            await provision(opened, Settings(), {"cqworker": 40}, dry_run=True)
        yield opened


@pytest.fixture
def clients(on_aws: None, opened_clients: AwsClients) -> AwsClients:
    return opened_clients


@pytest.fixture(scope="module")
def opened_looks(opened_clients: AwsClients) -> Remembering:
    return Remembering(opened_clients)


@pytest.fixture
def looks(on_aws: None, opened_looks: Remembering) -> Remembering:
    """For those who only look at what nobody changes."""
    return opened_looks


def _client(service: str, dev: Dev) -> Any:
    return botocore.session.Session().create_client(
        service,
        endpoint_url=dev.exports["AWS_ENDPOINT_URL"],
        region_name=dev.exports["AWS_REGION"],
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",
    )


@pytest.fixture(scope="session")
def sqs(dev: Dev) -> Iterator[Any]:
    """An operator's hand in SQS, to break things."""
    with closing(_client("sqs", dev)) as client:
        yield client


@pytest.fixture(scope="session")
def dynamodb(dev: Dev) -> Iterator[Any]:
    """An operator's hand in DynamoDB, to break things."""
    with closing(_client("dynamodb", dev)) as client:
        yield client


@pytest.fixture(scope="session")
def s3(dev: Dev) -> Iterator[Any]:
    """An operator's hand in S3, to break things."""
    with closing(_client("s3", dev)) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def untouched(opened_clients: AwsClients, dev: Dev, sqs: Any, dynamodb: Any, s3: Any) -> Hands:
    """What was provisioned once, for all tests of a module that only look at it."""
    own = _own()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in dev.exports.items():
            patch.setenv(name, value)
        await provision(opened_clients, own, {own.queues[0].name: 40})
    return Hands(own, sqs, dynamodb, s3)


@pytest_asyncio.fixture(loop_scope="module")
async def hands(clients: AwsClients, settings: Settings, sqs: Any, dynamodb: Any, s3: Any) -> Hands:
    await provision(clients, settings, {settings.queues[0].name: 40})
    return Hands(settings, sqs, dynamodb, s3)
