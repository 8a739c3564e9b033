"""How a command reaches jobs: through a daemon's HTTP API, or itself on AWS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cqworker.cli.options import settings_from
from cqworker.errors import SubmissionRefused

if TYPE_CHECKING:
    from cqworker.daemon import Counter
    from cqworker.flow.submit import Submission

Job = dict[str, object]
"""A job as `job_view` and the API show it."""
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
ONE_WAIT = 20.0
"""Seconds for which one request to wait is held."""


class Access(Protocol):
    """What a command asks about jobs; everything raises a CqworkerError that can be shown."""

    async def submit(self, submission: Submission) -> Job: ...

    async def show(self, job_id: str) -> Job: ...

    async def wait(self, job_id: str, seconds: float) -> Job:
        """The job once it is final, or after `seconds` as it is then."""
        ...

    async def retry(self, job_id: str) -> Job: ...

    async def cancel(self, job_id: str) -> Job: ...


class DirectAccess:
    """Jobs in the table and queues themselves, as the operator of this machine sees them."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def submit(self, submission: Submission) -> Job:
        from cqworker.model.view import job_view

        _check_limits(submission)
        return job_view((await self._counter.submitter.submit(submission)).record)

    async def show(self, job_id: str) -> Job:
        from cqworker.model.view import job_view

        return job_view(await self._counter.desk.show(job_id, None))

    async def wait(self, job_id: str, seconds: float) -> Job:
        from cqworker.model.view import job_view

        return job_view(await self._counter.desk.wait(job_id, None, seconds))

    async def retry(self, job_id: str) -> Job:
        from cqworker.model.view import job_view

        return job_view(await self._counter.desk.retry(job_id, None))

    async def cancel(self, job_id: str) -> Job:
        from cqworker.model.view import job_view

        return job_view(await self._counter.desk.cancel(job_id, None))


def _check_limits(submission: Submission) -> None:
    """The limits of the API hold here, too. Raises SubmissionRefused."""
    from cqworker.web.asks import SubmitAsk, understood
    from cqworker.web.problems import Problem

    body = {name: value for name, value in asdict(submission).items() if name in SubmitAsk.model_fields}
    try:
        understood(SubmitAsk, {**body, "tags": list(submission.tags)})
    except Problem as problem:
        raise SubmissionRefused(problem.detail) from None


@asynccontextmanager
async def opened(config: Path | None, url: str | None, token: str | None) -> AsyncIterator[Access]:
    """Access through the daemon at `url`, or directly with the settings that apply here."""
    if url:
        from cqworker.cli.remote import remote_access

        async with remote_access(url, token) as remote:
            yield remote
    else:
        settings = settings_from(config)
        from cqworker.daemon import counter
        from cqworker.events import ignore

        async with counter(settings, ignore) as desk:
            yield DirectAccess(desk)


async def until_final(access: Access, job_id: str, seconds: float | None) -> Job:
    """The job once it is final; after `seconds` (None: never) as it is then."""
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    while True:
        left = ONE_WAIT if end is None else max(0.0, min(ONE_WAIT, end - loop.time()))
        job = await access.wait(job_id, left)
        if job["status"] in FINAL or (end is not None and loop.time() >= end):
            return job
