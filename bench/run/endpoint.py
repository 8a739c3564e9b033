"""Where a run takes place: an endpoint of ours in a process of its own, or one that is there already."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

ROOT = Path(__file__).parents[2]
STOP_WITHIN = 10.0
"""Seconds for a process to end after SIGTERM, before SIGKILL."""
ALONE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What the endpoint counted since the last reset, by operation; `journal` has the time and key of each write."""

    calls: Mapping[str, int]
    entries: Mapping[str, int]
    write_units: Mapping[str, float]
    read_units: Mapping[str, float]
    refused: Mapping[str, int]
    empty_receives: int
    cpu_seconds: float
    journal: tuple[tuple[float, str], ...]


class EndpointRefused(RuntimeError):
    """The endpoint answered with an error."""


class Endpoint:
    """Our endpoint: its address, the environment in which the AWS SDK uses it alone, and its calls for measuring."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.environment: Mapping[str, str] = {
            **ALONE,
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def counts(self) -> Counts:
        """What was counted so far."""
        answer = self._ask("counts")
        journal = tuple((float(at), str(key)) for at, key in answer.pop("journal"))
        return Counts(**answer, journal=journal)

    def reset(self, *, journal: bool = False) -> None:
        """Counts anew, from nothing."""
        self._ask("reset", {"journal": journal})

    def hold(self, queue: str) -> None:
        """The queue hands out nothing until it is released."""
        self._ask("hold", {"queue": queue})

    def release(self, queue: str) -> None:
        """The queue hands out again."""
        self._ask("release", {"queue": queue})

    def dismiss(self, queue: str) -> None:
        """Receives that wait are answered with nothing."""
        self._ask("dismiss", {"queue": queue})

    def left(self, queue: str) -> int:
        """Messages that were not deleted yet."""
        return int(self._ask("depth", {"queue": queue})["left"])

    def waiting(self, queue: str) -> int:
        """Receives that wait for a message at this moment."""
        return int(self._ask("depth", {"queue": queue})["waiting"])

    def load(self, queue: str, table: str, messages: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        """Lays messages and items ready without a call of the API."""
        self._ask("load", {"queue": queue, "table": table, "messages": messages, "items": items})

    def call(self, target: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One call of the API, unsigned but for the word, such as ("AmazonSQS.SendMessage", …)."""
        headers = {"X-Amz-Target": target, "Authorization": "AWS4-HMAC-SHA256 Credential=bench"}
        return self._post("/", request, headers)

    def put_if_absent(self, table: str, item: Mapping[str, Any]) -> None:
        """A conditional PutItem as a submitter makes it; that a worker came first is no error."""
        request = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        with suppress(EndpointRefused):
            self.call("DynamoDB_20120810.PutItem", request)

    def close(self) -> None:
        """Closes the door; the endpoint itself goes on."""
        self._connection.close()

    def _ask(self, act: str, asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._post(f"/_bench/{act}", asked or {}, {})

    def _post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        self._connection.request("POST", path, orjson.dumps(body), headers)
        answer = self._connection.getresponse()
        content: dict[str, Any] = orjson.loads(answer.read())
        if answer.status != 200:
            raise EndpointRefused(f"the endpoint refused {path}: {content}")
        return content


@contextmanager
def endpoint_running(latency: float = 0.0) -> Iterator[Endpoint]:
    """Our endpoint in a process of its own, each answer after `latency` ms; it ends with the block."""
    command = [sys.executable, "-m", "bench.endpoint", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the endpoint did not start")
        endpoint = Endpoint(url, process.pid)
        try:
            yield endpoint
        finally:
            endpoint.close()
            stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    """Ends this one process: asks, waits, kills."""
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
