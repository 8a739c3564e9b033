"""Celery on SQS, with results in DynamoDB where BENCH_RESULTS says so; as a program it submits so many no-ops."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from celery import Celery  # type: ignore[import-not-found]

QUEUE = os.environ.get("BENCH_QUEUE", "bench-celery")
PLACE = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:1"))
RESULTS = f"dynamodb://bench:bench@{PLACE.hostname}:{PLACE.port}/{QUEUE}" if os.environ.get("BENCH_RESULTS") else None

app = Celery("bench", broker=f"sqs://bench:bench@{PLACE.netloc}", backend=RESULTS)
app.conf.update(
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "wait_time_seconds": 20,
        "polling_interval": 0,
        "visibility_timeout": 60,
        "predefined_queues": {QUEUE: {"url": f"{PLACE.geturl()}/000000000000/{QUEUE}"}},
    },
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_ignore_result=RESULTS is None,
    worker_prefetch_multiplier=20,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)


@app.task(name="noop")  # type: ignore[untyped-decorator]
def noop(text: str) -> dict[str, int]:
    """Measures its text."""
    return {"length": len(text)}


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        noop.delay("x" * 100)
