"""taskiq with taskiq-aio-sqs: its broker and a task that does nothing; as a program it submits so many of them."""

from __future__ import annotations

import asyncio
import os
import sys

from taskiq_aio_sqs import SQSBroker  # type: ignore[import-not-found]

AT_ONCE = 50
"""Jobs that are sent at the same time."""
broker = SQSBroker(
    sqs_queue_name=os.environ.get("BENCH_QUEUE", "bench-taskiq"),
    endpoint_url=os.environ.get("AWS_ENDPOINT_URL"),
    region_name=os.environ.get("AWS_REGION", "us-east-1"),
    aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID"),
    aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY"),
    wait_time_seconds=20,
    max_number_of_messages=10,
    visibility_timeout=60,
)


@broker.task(task_name="noop")  # type: ignore[untyped-decorator]
async def noop(text: str) -> dict[str, int]:
    """Measures its text."""
    return {"length": len(text)}


async def submit(jobs: int) -> None:
    """Sends so many."""
    await broker.startup()
    for begin in range(0, jobs, AT_ONCE):
        await asyncio.gather(*(noop.kiq("x" * 100) for _ in range(min(AT_ONCE, jobs - begin))))
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(submit(int(sys.argv[1])))
