"""The engines seen directly, past every fault: depths, records, raw messages and dead letters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3

from cqworker.aws.dynamodb.items import job_key, record_of
from cqworker.model.record import JobRecord
from cqworker.settings import Settings
from tests.engines.running import REGION, Engines

COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
MADE_WITH = ("VisibilityTimeout", "RedrivePolicy", "ReceiveMessageWaitTimeSeconds")
LOOK_EVERY = 0.25
MOST_KEYS = 100
"""Keys of one BatchGetItem."""


@dataclass(frozen=True, slots=True)
class Depths:
    """How many messages wait, are in flight, are delayed, and are dead."""

    visible: int
    in_flight: int
    delayed: int
    dead: int

    @property
    def empty(self) -> bool:
        return not (self.visible or self.in_flight or self.delayed)


class Backdoor:
    """Looks and sends; every call runs in a thread, for the proxies share this process's loop."""

    def __init__(self, engines: Engines, settings: Settings) -> None:
        keys = {"aws_access_key_id": engines.access_key, "aws_secret_access_key": engines.secret_key}
        self._sqs: Any = boto3.client("sqs", endpoint_url=engines.sqs_url, region_name=REGION, **keys)
        self._table: Any = boto3.client("dynamodb", endpoint_url=engines.dynamodb_url, region_name=REGION, **keys)
        self._s3: Any = boto3.client("s3", endpoint_url=engines.s3_url, region_name=REGION, **keys)
        self._table_name = settings.store.table
        self._queue = settings.queues[0].name
        self._dead = settings.queues[0].dead_letter_queue or ""

    async def depths(self) -> Depths:
        return await asyncio.to_thread(self._depths)

    async def records(self) -> dict[str, JobRecord]:
        """Every job's record by its id."""
        return await asyncio.to_thread(self._scan)

    async def find(self, job_ids: Iterable[str]) -> list[JobRecord]:
        """The records of these jobs as they are now."""
        return await asyncio.to_thread(self._find, list(job_ids))

    async def results(self, records: Iterable[JobRecord]) -> dict[str, str]:
        """The results' JSON texts by job id; the big ones lie in the bucket."""
        return await asyncio.to_thread(lambda: {record.job_id: self._result(record) for record in records})

    async def send(self, *bodies: str) -> None:
        """Raw messages, whatever they are."""
        await asyncio.to_thread(self._send, bodies)

    async def purge(self) -> None:
        """Every message of the queue is deleted, in whosever hands it is."""
        await asyncio.to_thread(lambda: self._sqs.purge_queue(QueueUrl=self._url(self._queue)))

    async def make_again(self) -> None:
        """The queue is deleted and, at once, made again as it was."""
        await asyncio.to_thread(self._make_again)

    async def dead_letters(self) -> list[str]:
        """The bodies of the dead letters; they stay where they are, hidden for a moment."""
        return await asyncio.to_thread(self._read_dead)

    async def until_empty(self, seconds: float) -> float:
        """Waits until the queue holds nothing, twice in a row; how long that took, or TimeoutError."""
        began = time.monotonic()
        seen = 0
        while seen < 2:
            seen = seen + 1 if (depths := await self.depths()).empty else 0
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"the queue still holds messages after {seconds:.0f} s: {depths}")
            await asyncio.sleep(LOOK_EVERY)
        return time.monotonic() - began

    def _url(self, name: str) -> str:
        return str(self._sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def _counts(self, name: str) -> tuple[int, int, int]:
        told = self._sqs.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=list(COUNTS))["Attributes"]
        visible, in_flight, delayed = (int(told[count]) for count in COUNTS)
        return visible, in_flight, delayed

    def _depths(self) -> Depths:
        return Depths(*self._counts(self._queue), dead=sum(self._counts(self._dead)))

    def _scan(self) -> dict[str, JobRecord]:
        pages = self._table.get_paginator("scan").paginate(TableName=self._table_name, ConsistentRead=True)
        items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("job#")]
        return {record.job_id: record for record in map(record_of, items)}

    def _find(self, job_ids: list[str]) -> list[JobRecord]:
        found: list[JobRecord] = []
        for first in range(0, len(job_ids), MOST_KEYS):
            keys = [job_key(job_id) for job_id in job_ids[first : first + MOST_KEYS]]
            wanted: Any = {self._table_name: {"Keys": keys, "ConsistentRead": True}}
            while wanted:
                answer = self._table.batch_get_item(RequestItems=wanted)
                found += map(record_of, answer["Responses"][self._table_name])
                wanted = answer.get("UnprocessedKeys")
        return found

    def _result(self, record: JobRecord) -> str:
        if record.result_ref is None:
            return record.result or "null"
        parts = urlsplit(record.result_ref)
        data: bytes = self._s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
        return data.decode()

    def _make_again(self) -> None:
        url = self._url(self._queue)
        told = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(MADE_WITH))["Attributes"]
        self._sqs.delete_queue(QueueUrl=url)
        self._sqs.create_queue(QueueName=self._queue, Attributes=told)

    def _send(self, bodies: tuple[str, ...]) -> None:
        url = self._url(self._queue)
        for body in bodies:
            self._sqs.send_message(QueueUrl=url, MessageBody=body)

    def _read_dead(self) -> list[str]:
        url = self._url(self._dead)
        bodies: list[str] = []
        while found := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5).get(
            "Messages"
        ):
            bodies += [message["Body"] for message in found]
        return bodies
