"""Handlers that sleep and misbehave in every way, and keep a journal; installed beside a daemon by `plugin.py`."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time

from pydantic import BaseModel

from cqworker import Backoff, Job, Reject, Retry, handler

SOON = Backoff(first=0.2)


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
async def slumber(payload: Nap, job: Job) -> str:
    """Sleeps, and opens nothing when it wakes."""
    note("start", job)
    await asyncio.sleep(payload.seconds)
    return "slept"


@handler(timeout=60)
async def swell(payload: Nap, job: Job) -> str:
    """Sleeps, and returns more than a record holds."""
    note("start", job)
    await asyncio.sleep(payload.seconds)
    return "swollen " * 2000


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


@handler(timeout=1, max_attempts=1)
async def ignore(payload: Nap, job: Job) -> str:
    """Goes on, whatever it is told."""
    note("start", job)
    end = time.monotonic() + payload.seconds
    while (left := end - time.monotonic()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            note("deaf", job)
    return "never told"


@handler(timeout=1, max_attempts=1)
async def delegate(payload: Nap, job: Job) -> None:
    """Waits for a thread of the loop's own, which goes on when nobody waits any more."""
    note("start", job)
    await asyncio.to_thread(time.sleep, payload.seconds)


@handler(max_attempts=1)
async def leave(payload: Nap, job: Job) -> None:
    """Ends the interpreter in a task of its own, or tries to."""
    note("start", job)

    async def out() -> None:
        sys.exit(3)

    await asyncio.gather(out(), asyncio.sleep(payload.seconds))


@handler(executor="process", max_attempts=2, backoff=SOON)
def segfault(payload: Nap, job: Job) -> None:
    """Reads where nothing is."""
    note("start", job)
    ctypes.string_at(0)


@handler(executor="process", max_attempts=2, backoff=SOON)
def vanish(payload: Nap, job: Job) -> None:
    """Leaves its process without a word."""
    note("start", job)
    os._exit(0)


@handler(executor="process", memory=64, max_attempts=2, backoff=SOON)
def devour(payload: Nap, job: Job) -> int:
    """Takes all the memory there is."""
    note("start", job)
    held = []
    while True:
        held.append(bytearray(1 << 20))


@handler(max_attempts=2, backoff=SOON)
async def kill(payload: Nap, job: Job) -> None:
    """Takes the whole worker along."""
    note("start", job)
    os.kill(os.getpid(), signal.SIGKILL)


@handler
async def refuse(payload: Nap) -> None:
    """Fails for good."""
    raise Reject(f"{payload.seconds} is no time to sleep")
