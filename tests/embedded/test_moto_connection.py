"""The server speaks HTTP/1.1 as AWS does: connections are kept, bodies may be announced, chunked or absent."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from cqworker.embedded import EmbeddedAws
from tests.patience import scaled

SIGNED = "AWS4-HMAC-SHA256 Credential=embedded/20300101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"


@pytest.fixture
def connection(aws: EmbeddedAws) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc, timeout=scaled(10))) as opened:
        yield opened


def _ask_sqs(connection: http.client.HTTPConnection, action: str, body: dict[str, Any]) -> http.client.HTTPResponse:
    headers = {
        "X-Amz-Target": f"AmazonSQS.{action}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": SIGNED.format("sqs"),
    }
    connection.request("POST", "/", json.dumps(body), headers)
    return connection.getresponse()


def test_a_connection_serves_one_request_after_the_other(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    first: socket.socket = connection.sock
    for _ in range(3):
        response = _ask_sqs(connection, "ListQueues", {})
        assert (response.status, response.version) == (200, 11)
        json.loads(response.read())
    assert connection.sock is first


def test_an_answer_carries_one_date(connection: http.client.HTTPConnection) -> None:
    response = _ask_sqs(connection, "ListQueues", {})
    response.read()
    assert len(response.headers.get_all("Date", [])) == 1


def test_a_client_that_asks_for_it_is_hung_up_on(aws: EmbeddedAws) -> None:
    address = urlsplit(aws.endpoint_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=scaled(10)) as opened:
        opened.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: opened.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_what_moto_stumbles_over_is_an_error_that_says_so(connection: http.client.HTTPConnection) -> None:
    response = _ask_sqs(connection, "StartMessageMoveTask", {"SourceArn": "arn:aws:sqs:us-east-1:123456789012:q"})
    answer = json.loads(response.read())
    assert (response.status, answer["__type"]) == (500, "InternalFailure")
    assert answer["message"].startswith("The embedded AWS stumbled: NotImplementedError")


def test_chunked_bodies_are_read_to_their_end(connection: http.client.HTTPConnection, s3: Any) -> None:
    bucket = f"b-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    for number in range(2):
        parts = iter((b"a" * 70_000, b"b" * 10))
        headers = {"Authorization": SIGNED.format("s3")}
        connection.request("PUT", f"/{bucket}/{number}", parts, headers, encode_chunked=True)
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    assert s3.head_object(Bucket=bucket, Key="1")["ContentLength"] == 70_010


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_objects_come_back_as_they_were_put(s3: Any, size: int) -> None:
    bucket, content = f"b-{uuid.uuid4()}", os.urandom(size)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="bytes", Body=content)
    s3.put_object(Bucket=bucket, Key="stream", Body=io.BytesIO(content))
    for key in ("bytes", "stream"):
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == size
        with closing(s3.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            assert body.read() == content
    s3.delete_object(Bucket=bucket, Key="bytes")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
