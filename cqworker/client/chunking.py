"""Any number of jobs in requests of a bearable size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain

from cqworker.client.transport import Answer, Transport
from cqworker.errors import CqworkerError, MessageTooLarge
from cqworker.model.job_limits import MAX_BATCH

BYTES = 1_000_000
"""Bytes of the jobs in one request: a daemon takes 1 MiB where nobody has changed http.max_body."""

Job = bytes | CqworkerError
"""A job as POST /jobs takes it, or why it could not even be written so."""


async def submitted(transport: Transport, jobs: Iterable[Job]) -> AsyncIterator[Answer]:
    """What became of each job, in order, as soon as it is known.

    What concerns a job is its own answer. A request that fails as a whole answers so for each of its jobs, but the
    first one's failure is raised: then nothing was submitted, or nobody knows.
    """
    first = True
    for portion in portions(jobs):
        bodies = [job for job in portion if isinstance(job, bytes)]
        answers = iter(await (_sent(transport, bodies) if first else _answered(transport, bodies)))
        first = first and not bodies
        for job in portion:
            yield next(answers) if isinstance(job, bytes) else job


def portions(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """The jobs in order, so many at a time as one request takes."""
    portion: list[Job] = []
    size = 0
    for job in jobs:
        weight = len(job) + 1 if isinstance(job, bytes) else 0
        if portion and (len(portion) == MAX_BATCH or size + weight > BYTES):
            yield portion
            portion, size = [], 0
        portion.append(job)
        size += weight
    if portion:
        yield portion


async def _answered(transport: Transport, bodies: Sequence[bytes]) -> list[Answer]:
    try:
        return await _sent(transport, bodies)
    except CqworkerError as error:
        return [error] * len(bodies)


async def _sent(transport: Transport, bodies: Sequence[bytes]) -> list[Answer]:
    """Halves what this daemon finds too large, for it may take less than others do."""
    if not bodies:
        return []
    try:
        return await transport.submit_many(bodies)
    except MessageTooLarge as error:
        if len(bodies) == 1:
            return [error]
    middle = len(bodies) // 2
    return [*chain(await _sent(transport, bodies[:middle]), await _answered(transport, bodies[middle:]))]
