"""`cqworker submit --batch`: a job a line, and a line of output about each."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import click

from cqworker.cli.job_text import printable
from cqworker.enums import ExitCode
from cqworker.errors import CqworkerError, SubmissionRefused

if TYPE_CHECKING:
    from cqworker.client.chunking import EncodedJob
    from cqworker.client.transport import SubmitResult, Transport


async def submit_lines(lines: Iterable[bytes], access: AbstractAsyncContextManager[Transport], *, as_json: bool) -> int:
    """Submits the job of every line that is not blank, prints a line about each in order, and returns the exit code.

    It is 1 if one was refused. Raises what the transport raises where no answer came.
    """
    from cqworker.client.chunking import submit_in_chunks

    numbers: deque[int] = deque()
    total = refused = 0
    async with access as transport:
        async for answer in submit_in_chunks(transport, _jobs(lines, numbers)):
            total += 1
            refused += isinstance(answer, CqworkerError)
            click.echo(_line_about(numbers.popleft(), answer, as_json))
    click.echo(f"{total - refused} of {total} jobs were accepted.", err=True)
    return ExitCode.FAILED if refused else ExitCode.DONE


def _jobs(lines: Iterable[bytes], numbers: deque[int]) -> Iterator[EncodedJob]:
    """The jobs, and the number of each one's line in `numbers`."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            numbers.append(number)
            yield _job(line)


def _job(line: bytes) -> EncodedJob:
    from cqworker.jobs.strict_json import NotStrictJson, read_object

    try:
        read_object(line)
    except NotStrictJson as error:
        return SubmissionRefused(str(error).replace("The body", "The line", 1))
    return line.strip()


def _line_about(number: int, answer: SubmitResult, as_json: bool) -> str:
    if as_json:
        outcome = {"error": str(answer)} if isinstance(answer, CqworkerError) else {"job": answer}
        return json.dumps({"line": number, **outcome}, ensure_ascii=False)
    if isinstance(answer, CqworkerError):
        return f"Line {number} was refused: {printable(str(answer))}"
    return f"Line {number}: job {answer['job_id']} is {answer['status']}."
