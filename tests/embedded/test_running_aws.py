"""The environment that turns the AWS SDK towards the embedded AWS, whatever it was set to before."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import botocore.session
import pytest

from cqworker.embedded import EmbeddedAws

UNREACHABLE = "http://127.0.0.1:1"


@pytest.fixture
def developer_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-my-company")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", UNREACHABLE)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "expired")
    monkeypatch.setenv("HTTP_PROXY", UNREACHABLE)
    monkeypatch.setenv("http_proxy", UNREACHABLE)
    monkeypatch.setenv("no_proxy", "intranet")


def test_a_client_made_from_the_environment_alone_reaches_it(
    aws: EmbeddedAws, developer_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = aws.apply_to(os.environ)
    for name in set(os.environ) - set(applied):
        monkeypatch.delenv(name)
    for name, value in applied.items():
        monkeypatch.setenv(name, value)
    client: Any = botocore.session.Session().create_client("sqs")
    with closing(client):
        assert client.create_queue(QueueName="found")["QueueUrl"].startswith(aws.endpoint_url)


def test_what_is_not_of_aws_stays_in_the_environment(aws: EmbeddedAws) -> None:
    applied = aws.apply_to({"HOME": "/home/me", "NO_PROXY": "intranet", "AWS_PROFILE": "of-my-company"})
    assert applied["HOME"] == "/home/me"
    assert applied["NO_PROXY"] == applied["no_proxy"] == "intranet,127.0.0.1"
    assert "AWS_PROFILE" not in applied


def test_the_sdk_is_kept_away_from_instance_metadata(aws: EmbeddedAws) -> None:
    assert aws.environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert aws.environment["AWS_ENDPOINT_URL"] == aws.endpoint_url
