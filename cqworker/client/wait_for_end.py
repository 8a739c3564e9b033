"""Waits for a job to end, however long it takes and whichever daemon is restarted meanwhile."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cqworker.client.client_errors import DaemonRefused, DaemonUnreachable
from cqworker.client.job_types import View
from cqworker.client.transport import Transport
from cqworker.errors import Unavailable
from cqworker.model.job_limits import MAX_WAIT
from cqworker.model.status import Status

MIN_PAUSE = 1.0
"""Seconds from one request to the next at least: a daemon that drains answers every wait at once."""
SILENCE_TIMEOUT = 30.0
"""Seconds without any answer that are borne: a daemon may be replaced meanwhile."""

GRACE = 5.0
"""Seconds for the last answer to arrive, once the time is up."""


async def wait_until_final(transport: Transport, job_id: str, seconds: float | None) -> View:
    """The job once it is final; after `seconds` (None: never) as it is then.

    Raises DaemonUnreachable or Unavailable where nobody answers for SILENCE_TIMEOUT, or when the time is up;
    DaemonRefused for a job whose status this version does not know, for it might be the end.
    """
    loop = asyncio.get_running_loop()
    answered = loop.time()
    end = math.inf if seconds is None else answered + seconds
    while True:
        began = loop.time()
        try:
            async with _deadline(end + GRACE, seconds):
                job = await transport.wait(job_id, max(0.0, min(MAX_WAIT, end - began)))
        except (DaemonUnreachable, Unavailable):
            if loop.time() >= min(end, answered + SILENCE_TIMEOUT):
                raise
        else:
            answered = loop.time()
            if is_final(job) or answered >= end:
                return job
        await asyncio.sleep(min(end, began + MIN_PAUSE) - loop.time())


@asynccontextmanager
async def _deadline(end: float, seconds: float | None) -> AsyncIterator[None]:
    """Ends the block at `end`, which a silent daemon must not prolong by the timeout of a request."""
    try:
        async with asyncio.timeout_at(None if math.isinf(end) else end):
            yield
    except TimeoutError:
        text = (
            f"The daemon did not answer within the {seconds or 0.0:g} s of waiting, nor {GRACE:g} s later. Ask again."
        )
        raise DaemonUnreachable(text, ambiguous=False, reason="timeout") from None


def is_final(job: View) -> bool:
    """Whether the job has ended. Raises DaemonRefused for a status that only a newer version knows: it may be one."""
    try:
        return Status(job["status"]).is_final
    except ValueError as error:
        text = f"Job {job['job_id']} is {job['status']}, which this version of the client does not know. Upgrade it."
        raise DaemonRefused(text) from error
