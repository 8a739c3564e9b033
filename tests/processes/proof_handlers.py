"""Handlers that sleep in every way there is, and keep a journal of it; installed beside a daemon by `plugin.py`."""

from __future__ import annotations

import asyncio
import os
import time

from pydantic import BaseModel

from cqworker import Job, Reject, Retry, handler


class Nap(BaseModel):
    """How long to sleep, in seconds."""

    seconds: float


def note(what: str, job: Job) -> None:
    """One line, written in one call: lines of several processes do not mix (open(2), O_APPEND)."""
    journal = os.open(os.environ["PROOF_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(journal, f"{what} {job.id} {job.attempt}\n".encode())
    finally:
        os.close(journal)


@handler(timeout=60)
async def nap(payload: Nap, job: Job) -> str:
    """Sleeps as it should, and leaves a note when it is interrupted."""
    note("start", job)
    try:
        await asyncio.sleep(payload.seconds)
    except asyncio.CancelledError:
        note("interrupted", job)
        raise
    note("end", job)
    return "slept"


@handler(timeout=60)
async def block(payload: Nap, job: Job) -> str:
    """Blocks the handlers' loop, as an author should not."""
    note("start", job)
    time.sleep(payload.seconds)  # noqa: ASYNC251 - the mistake that is to be survived
    note("end", job)
    return "blocked"


@handler(timeout=1, max_attempts=1)
async def stick(payload: Nap, job: Job) -> str:
    """Blocks the handlers' loop beyond its own timeout."""
    note("start", job)
    time.sleep(payload.seconds)  # noqa: ASYNC251 - the mistake that only a restart can mend
    return "never told"


@handler(timeout=1, max_attempts=1)
def cling(payload: Nap, job: Job) -> str:
    """Holds a thread beyond its own timeout, whatever it is told."""
    note("start", job)
    time.sleep(payload.seconds)
    return "never told"


@handler(executor="process", max_attempts=1)
def compute(payload: Nap, job: Job) -> int:
    """Works in a process of its own, and says which."""
    note("start", job)
    time.sleep(payload.seconds)
    return os.getpid()


def confess(ending: float) -> None:
    """Raises what a client of HTTP or AWS may: an error that quotes its headers, its address and its keys."""
    token, secret, session = map(os.environ.__getitem__, ("PROOF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
    query = f"X-Amz-Credential=AKIA%2F{session}&X-Amz-Security-Token={session}&X-Amz-Signature={session}"
    raise (RuntimeError, Retry, Reject)[int(ending)](
        f"{{'Authorization': 'Bearer {token}'}} to https://bucket.s3.amazonaws.com/key?{query} "
        f"with aws_secret_access_key={secret}, aws_session_token={session}"
    )


@handler(max_attempts=1)
async def leak(payload: Nap) -> None:
    """Fails with secrets in its words, in the way that `seconds` counts."""
    confess(payload.seconds)


@handler(max_attempts=1, executor="process")
def leak_apart(payload: Nap) -> None:
    """Does the same in a process of its own."""
    confess(payload.seconds)


@handler
async def refuse(payload: Nap) -> None:
    """Fails for good."""
    raise Reject(f"{payload.seconds} is no time to sleep")
