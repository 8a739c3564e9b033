"""Submission alone, as a process: `python -m bench.run.submitting JOBS CONCURRENCY` says what it took as JSON."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import orjson
import uvloop

from bench.run.loads import NOOP
from cqworker.daemon.standalone import open_job_services
from cqworker.events import ignore
from cqworker.jobs.submission import Submission
from cqworker.settings import load_settings

WARM_UP = 20
"""Submissions that go before and are not counted."""


async def submit(jobs: int, concurrency: int) -> dict[str, float]:
    """Submits so many through cqworker's own Submitter, so many at a time."""
    settings = load_settings(None, os.environ, {})
    async with open_job_services(settings, ignore) as services:
        places = asyncio.Semaphore(concurrency)

        async def one() -> None:
            async with places:
                await services.submitter.submit(Submission(type=NOOP.type, payload=NOOP.payload))

        await asyncio.gather(*(one() for _ in range(WARM_UP)))
        cpu, began = time.process_time(), time.monotonic()
        await asyncio.gather(*(one() for _ in range(jobs)))
        return {"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}


def main() -> None:
    """Reads the arguments, submits, and writes one line."""
    jobs, concurrency = map(int, sys.argv[1:3])
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(submit(jobs, concurrency))) + b"\n")


if __name__ == "__main__":
    main()
