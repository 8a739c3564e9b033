"""Any number of jobs, in requests of a size that a daemon takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain

from cqworker.client.transport import SubmitResult, Transport
from cqworker.errors import CqworkerError, MessageTooLarge
from cqworker.model.job_limits import MAX_BATCH

MAX_CHUNK_BYTES = 1_000_000
"""Bytes of the jobs in one request: a daemon takes 1 MiB unless http.max_body says otherwise."""

EncodedJob = bytes | CqworkerError
"""A job as POST /jobs takes it, or why it could not even be written so."""


async def submit_in_chunks(transport: Transport, jobs: Iterable[EncodedJob]) -> AsyncIterator[SubmitResult]:
    """What became of each job, in order, as soon as it is known.

    What concerns a job is its own answer. A request that fails as a whole answers so for each of its jobs, but the
    first one's failure is raised: then nothing was submitted, or nobody knows.
    """
    first = True
    for chunk in chunks(jobs):
        bodies = [job for job in chunk if isinstance(job, bytes)]
        answers = iter(await (_send(transport, bodies) if first else _send_or_errors(transport, bodies)))
        first = first and not bodies
        for job in chunk:
            yield next(answers) if isinstance(job, bytes) else job


def chunks(jobs: Iterable[EncodedJob]) -> Iterator[list[EncodedJob]]:
    """The jobs in order, so many at a time as one request takes."""
    chunk: list[EncodedJob] = []
    size = 0
    for job in jobs:
        size_of_job = len(job) + 1 if isinstance(job, bytes) else 0
        if chunk and (len(chunk) == MAX_BATCH or size + size_of_job > MAX_CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(job)
        size += size_of_job
    if chunk:
        yield chunk


async def _send_or_errors(transport: Transport, bodies: Sequence[bytes]) -> list[SubmitResult]:
    try:
        return await _send(transport, bodies)
    except CqworkerError as error:
        return [error] * len(bodies)


async def _send(transport: Transport, bodies: Sequence[bytes]) -> list[SubmitResult]:
    """Halves what this daemon finds too large: http.max_body may be smaller than usual."""
    if not bodies:
        return []
    try:
        return await transport.submit_many(bodies)
    except MessageTooLarge as error:
        if len(bodies) == 1:
            return [error]
    middle = len(bodies) // 2
    return [*chain(await _send(transport, bodies[:middle]), await _send_or_errors(transport, bodies[middle:]))]
