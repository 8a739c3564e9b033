"""Jobs through a daemon's HTTP API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, InvalidURL
from yarl import URL

from cqworker.errors import CqworkerError

if TYPE_CHECKING:
    from cqworker.cli.access import Job
    from cqworker.flow.submit import Submission

ANSWER = 15.0
"""Seconds that a daemon is given to answer, above what it was asked to wait."""


class DaemonUnreachable(CqworkerError):
    """No daemon answered at the URL."""


class DaemonRefused(CqworkerError):
    """The daemon answered that it will not do that; the text is its own."""


@asynccontextmanager
async def remote_access(url: str, token: str | None) -> AsyncIterator[RemoteAccess]:
    """Access to the jobs of the daemon at `url`, as the bearer of `token`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession(headers=headers) as session:
        yield RemoteAccess(session, url)


class RemoteAccess:
    """The jobs of one daemon."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def submit(self, submission: Submission) -> Job:
        key = submission.idempotency_key
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return await self._ask("POST", "/jobs", data=_body(submission), headers=headers)

    async def show(self, job_id: str) -> Job:
        return await self._ask("GET", _path(job_id))

    async def wait(self, job_id: str, seconds: float) -> Job:
        return await self._ask("GET", _path(job_id), seconds=seconds, params={"wait": f"{seconds:.1f}"})

    async def retry(self, job_id: str) -> Job:
        return await self._ask("POST", f"{_path(job_id)}/retry")

    async def cancel(self, job_id: str) -> Job:
        return await self._ask("POST", f"{_path(job_id)}/cancel")

    async def _ask(
        self, method: str, path: str, *, seconds: float = 0, params: Mapping[str, str] | None = None, **request: Any
    ) -> Job:
        try:
            url = URL(self._url + path, encoded=True).update_query(params or {})
            timeout = ClientTimeout(total=seconds + ANSWER)
            async with self._session.request(method, url, timeout=timeout, **request) as response:
                return _understood(response.status, await response.read(), self._url)
        except (ClientError, InvalidURL, TimeoutError, ValueError) as error:
            raise DaemonUnreachable(
                f"No daemon answers at {self._url}: {_cause(error)}. "
                "Start one with `cqworker run`, or correct CQWORKER_URL."
            ) from error


def _cause(error: Exception) -> str:
    if isinstance(error, ClientConnectorError):
        number = error.os_error.errno or 0
        return os.strerror(number) if number > 0 else str(error.os_error.strerror)  # a negative one is the resolver's
    return str(error).rstrip(".") or "no answer in time"


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _body(submission: Submission) -> bytes:
    optional = {
        "queue": submission.queue,
        "metadata": dict(submission.metadata),
        "tags": list(submission.tags),
        "max_attempts": submission.max_attempts,
        "delay_seconds": submission.delay_seconds,
    }
    given = {name: value for name, value in optional.items() if value}
    return orjson.dumps({"type": submission.type, "payload": orjson.Fragment(submission.payload), **given})


def _understood(status: int, body: bytes, url: str) -> Job:
    """The job in an answer; raises DaemonRefused in the daemon's own words."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if status >= 400 and isinstance(answer, dict) and "title" in answer:
        raise DaemonRefused(_worded(answer))
    if status >= 400 or not isinstance(answer, dict) or "job_id" not in answer:
        raise DaemonRefused(
            f"{url} answered {status} with something that is no job. Is a cqworker behind CQWORKER_URL?"
        )
    return answer


def _worded(problem: Mapping[str, Any]) -> str:
    text = str(problem.get("detail") or problem["title"])
    faults = [
        f"{fault['pointer']}: {fault['detail']}" for fault in problem.get("errors", ()) if fault["detail"] not in text
    ]
    hint = " Give the token as CQWORKER_TOKEN." if problem.get("status") == 401 else ""
    return "; ".join([text, *faults]) + hint
