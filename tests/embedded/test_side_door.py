"""The embedded AWS is a side door of `cqworker dev`: no page of another site gets through it, and nobody resets it."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from cqworker.embedded import EmbeddedAws
from tests.patience import scaled

LIST = b'{"QueueNamePrefix":""}'
TARGET = "X-Amz-Target: AmazonSQS.ListQueues"
JSON = "Content-Type: application/x-amz-json-1.0"
AUTHORIZATION = (
    "Authorization: AWS4-HMAC-SHA256 Credential=e/20300101/us-east-1/{}/aws4_request, SignedHeaders=h, Signature=x"
)


def ask(aws: EmbeddedAws, first: str, headers: Sequence[str], body: bytes = b"") -> tuple[int, bytes]:
    """The status and the body of one answer, byte by byte as no decent client would ask."""
    address = urlsplit(aws.endpoint_url)
    lines = [first, *headers, f"Content-Length: {len(body)}", "Connection: close"]
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=scaled(10)) as opened:
        opened.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        head, _, rest = b"".join(iter(lambda: opened.recv(65536), b"")).partition(b"\r\n\r\n")
    return int(head.split()[1]), rest


def host_of(aws: EmbeddedAws) -> str:
    return f"Host: {urlsplit(aws.endpoint_url).netloc}"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost#.evil", "user@localhost", "localhost.", "127.0.0.1.nip.io", "s3", "[::2]", "",
     "sqs.us-east-1.amazonaws.com", "motoapi.amazonaws.com", "localhost:99999"],
)  # fmt: skip
def test_a_rebound_name_submits_nothing(aws: EmbeddedAws, queue: str, sqs: Any, host: str) -> None:
    body = json.dumps({"QueueUrl": queue, "MessageBody": "{}"}).encode()
    headers = [f"Host: {host}", "X-Amz-Target: AmazonSQS.SendMessage", JSON, AUTHORIZATION.format("sqs")]
    status, said = ask(aws, "POST / HTTP/1.1", headers, body)
    assert status == 421
    assert b"Host" in said
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@pytest.mark.parametrize(
    "line",
    ["Origin: https://evil.example", "Origin: null", "Origin: http://localhost:8080", "Sec-Fetch-Site: cross-site",
     "Sec-Fetch-Site: same-site"],
)  # fmt: skip
def test_a_page_of_another_site_does_nothing(aws: EmbeddedAws, queue: str, sqs: Any, line: str) -> None:
    form = f"Action=SendMessage&QueueUrl={queue}&MessageBody=x&Version=2012-11-05".encode()
    plain = [host_of(aws), "Content-Type: application/x-www-form-urlencoded", line]
    assert ask(aws, "POST / HTTP/1.1", plain, form)[0] == 403
    assert ask(aws, f"GET /?{form.decode()} HTTP/1.1", [host_of(aws), line])[0] == 403
    assert ask(aws, "OPTIONS / HTTP/1.1", [host_of(aws), line])[0] == 403
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_a_request_has_one_host(aws: EmbeddedAws, hosts: list[str]) -> None:
    assert ask(aws, "GET / HTTP/1.1", [f"Host: {host}" for host in hosts])[0] == 400


def test_a_target_that_names_a_host_must_name_ours(aws: EmbeddedAws) -> None:
    assert ask(aws, "GET http://evil.example/ HTTP/1.1", [host_of(aws)])[0] == 421
    assert ask(aws, "GET http://motoapi.amazonaws.com/moto-api/ HTTP/1.1", [host_of(aws)])[0] == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "[::1]:5000"])
def test_this_machine_is_met_by_each_of_its_names(aws: EmbeddedAws, host: str) -> None:
    headers = [f"Host: {host}", TARGET, JSON, AUTHORIZATION.format("sqs")]
    assert ask(aws, "POST / HTTP/1.1", headers, LIST)[0] == 200


RESETS = [
    "POST /moto-api/reset", "POST /moto-api/reset/", "POST //moto-api/reset", "POST /moto-api/reset?x",
    "POST /moto%2Dapi/reset",
    "POST /%6doto-api/reset", "POST /MOTO-API/reset", "POST /./moto-api/reset", "POST /moto-api/reset-auth",
    "POST /moto-api/seed?a=42",
    "POST /moto-api/state-manager/set-transition", "POST /moto-api/config", "GET /moto-api/", "GET /moto-api/data.json",
    "POST /moto-api/recorder/reset-recording", "POST /moto-api/static/athena/query-results", "GET /favicon.ico",
]  # fmt: skip


@pytest.mark.parametrize("line", RESETS)
@pytest.mark.parametrize("service", [None, "moto_api", "motoapi", "s3"])
def test_nobody_resets_it_or_looks_behind_it(
    aws: EmbeddedAws, queue: str, sqs: Any, line: str, service: str | None
) -> None:
    signed = [AUTHORIZATION.format(service)] if service else []
    status, said = ask(aws, f"{line} HTTP/1.1", [host_of(aws), *signed])
    assert status >= 400, said
    assert b"<title>Moto" not in said
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
