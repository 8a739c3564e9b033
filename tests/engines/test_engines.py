"""Each engine answers the AWS SDK as a service would."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.engines.running import REGION, Engines

pytestmark = pytest.mark.engines


def client(engines: Engines, service: str, url: str, **changed: str) -> Any:
    keys = {"aws_access_key_id": engines.access_key, "aws_secret_access_key": engines.secret_key} | changed
    made: BaseClient = boto3.client(service, endpoint_url=url, region_name=REGION, **keys)
    return made


def test_elasticmq_lists_the_queue_it_was_asked_to_create(engines: Engines) -> None:
    sqs = client(engines, "sqs", engines.sqs_url)
    created = sqs.create_queue(QueueName="engines-probe")["QueueUrl"]
    assert sqs.list_queues(QueueNamePrefix="engines-probe")["QueueUrls"] == [created]
    assert created.startswith(engines.sqs_url)


def test_dynamodb_local_lists_the_table_it_was_asked_to_create(engines: Engines) -> None:
    dynamodb = client(engines, "dynamodb", engines.dynamodb_url, aws_access_key_id="enginesprobe")
    dynamodb.create_table(
        TableName="engines-probe",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    assert dynamodb.list_tables()["TableNames"] == ["engines-probe"]


def test_versitygw_gives_an_object_back_with_its_type_and_metadata(engines: Engines) -> None:
    s3 = client(engines, "s3", engines.s3_url)
    s3.create_bucket(Bucket="engines-probe")
    s3.put_object(Bucket="engines-probe", Key="a/b.txt", Body=b"hello", ContentType="text/plain", Metadata={"k": "v"})
    found = s3.get_object(Bucket="engines-probe", Key="a/b.txt")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"hello", "text/plain", {"k": "v"})


def test_versitygw_refuses_to_overwrite_when_asked_not_to(engines: Engines) -> None:
    s3 = client(engines, "s3", engines.s3_url)
    s3.create_bucket(Bucket="engines-once")
    s3.put_object(Bucket="engines-once", Key="k", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="engines-once", Key="k", Body=b"2", IfNoneMatch="*")


def test_versitygw_refuses_a_wrong_secret(engines: Engines) -> None:
    s3 = client(engines, "s3", engines.s3_url, aws_secret_access_key="wrong")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.list_buckets()
