"""The straightforward worker: aiobotocore as it comes, two writes a job, deletes in batches, and nothing else.

No validation, no leases, no metrics, no log, no drain: what anybody would write first, with the same writes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import uuid
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

FREE = (
    "round = :round AND #token <> :token AND attempt < max_attempts AND attribute_not_exists(cancel_requested_at)"
    " AND (#status IN (:queued, :retrying) OR (#status = :running AND lease_expires_at < :now))"
)
CLAIM = (
    "SET #status = :running, #token = :token, lease_expires_at = :lease, started_at = :now, purge_at = :purge,"
    " attempt = attempt + :one, history = list_append(history, :claimed) REMOVE scheduled_at"
)
SETTLE = (
    "SET #status = :succeeded, purge_at = :purge, history = :history, finished_at = :now, #result = :result"
    " REMOVE lease_expires_at"
)
NAMES = {"#status": "status", "#token": "token"}


class Loop:
    """Receives, claims, runs, settles, deletes."""

    def __init__(self, sqs: Any, dynamodb: Any, url: str, table: str) -> None:
        self._sqs = sqs
        self._dynamodb = dynamodb
        self._url = url
        self._table = table

    async def poll(self) -> None:
        """Ten messages at a time, for ever."""
        while True:
            answer = await self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=20, VisibilityTimeout=60
            )
            if messages := answer.get("Messages"):
                await asyncio.gather(*(self._run(json.loads(message["Body"])) for message in messages))
                entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
                await self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    async def _run(self, job: dict[str, Any]) -> None:
        token = uuid.uuid4().hex[:12]
        history = await self._claim(job, token)
        payload = job["payload"]
        await asyncio.sleep(payload.get("seconds", 0))
        await self._settle(job, token, history, json.dumps({"length": len(payload.get("text", ""))}))

    async def _claim(self, job: dict[str, Any], token: str) -> list[Any]:
        now = round(time.time() * 1000)
        answer = await self._dynamodb.update_item(
            **self._about(job, FREE, CLAIM),
            ReturnValues="ALL_NEW",
            ExpressionAttributeNames=NAMES,
            ExpressionAttributeValues={
                ":round": {"N": str(job["round"])},
                ":token": {"S": token},
                ":queued": {"S": "QUEUED"},
                ":retrying": {"S": "RETRYING"},
                ":running": {"S": "RUNNING"},
                ":now": {"N": str(now)},
                ":lease": {"N": str(now + 60_000)},
                ":purge": {"N": str(now // 1000 + 2_592_000)},
                ":one": {"N": "1"},
                ":claimed": {"L": [{"S": f"{now} claimed 0|host:1|"}]},
            },
        )
        history: list[Any] = answer["Attributes"]["history"]["L"]
        return history

    async def _settle(self, job: dict[str, Any], token: str, history: list[Any], result: str) -> None:
        now = round(time.time() * 1000)
        await self._dynamodb.update_item(
            **self._about(job, "#token = :token AND #status = :running", SETTLE),
            ExpressionAttributeNames={**NAMES, "#result": "result"},
            ExpressionAttributeValues={
                ":token": {"S": token},
                ":running": {"S": "RUNNING"},
                ":succeeded": {"S": "SUCCEEDED"},
                ":now": {"N": str(now)},
                ":purge": {"N": str(now // 1000 + 2_592_000)},
                ":history": {"L": [*history, {"S": f"{now} succeeded 1|host:1|"}]},
                ":result": {"S": result},
            },
        )

    def _about(self, job: dict[str, Any], condition: str, update: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": {"pk": {"S": f"job#{job['job_id']}"}, "sk": {"S": "job"}},
            "ConditionExpression": condition,
            "UpdateExpression": update,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


async def run(queue: str, table: str, concurrency: int) -> None:
    """Polls until the process is ended, with a poller for every ten jobs at once."""
    session, config = get_session(), AioConfig(max_pool_connections=concurrency + 10)
    async with (
        session.create_client("sqs", config=config) as sqs,
        session.create_client("dynamodb", config=config) as dynamodb,
    ):
        url = (await sqs.get_queue_url(QueueName=queue))["QueueUrl"]
        loop = Loop(sqs, dynamodb, url, table)
        await asyncio.gather(*(loop.poll() for _ in range(max(1, concurrency // 10))))


def main() -> None:
    """Reads the arguments and polls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("queue")
    parser.add_argument("table")
    parser.add_argument("--concurrency", type=int, default=32)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.queue, arguments.table, arguments.concurrency))


if __name__ == "__main__":
    main()
