"""Jobs through a daemon's HTTP API."""

from __future__ import annotations

import io
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, InvalidURL, TCPConnector
from msgspec import DecodeError
from msgspec.json import decode
from yarl import URL

from cqworker.client.errors import DaemonRefused, DaemonUnreachable
from cqworker.client.job import View
from cqworker.client.problems import error_of
from cqworker.client.transport import Answer
from cqworker.errors import ArtifactTooLarge, MessageTooLarge, SubmissionRefused
from cqworker.model.ids import KEY

CONNECT = 10.0
ANSWER = 15.0
"""Seconds that a daemon is given to begin its answer, above what it was asked to wait."""
LONG_ANSWER = 180.0
"""Seconds for many jobs or many bytes: a daemon gives each call to AWS 15, and a batch makes ten of them in turn."""
CONNECTIONS = 500
"""Half of what a daemon takes: who waits for a job's end keeps a connection."""
LARGE = 1 << 20
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def http_transport(url: str, token: str | None) -> AsyncIterator[HttpTransport]:
    """The jobs of the daemon at `url`, as the bearer of `token`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession(headers=headers, connector=TCPConnector(limit=CONNECTIONS)) as session:
        yield HttpTransport(session, url.rstrip("/"))


class HttpTransport:
    """The jobs of one daemon."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def submit(self, body: bytes, key: str | None) -> View:
        if key is not None and not re.fullmatch(KEY, key):
            raise SubmissionRefused("The idempotency key must be 1 to 128 printable ASCII characters.")
        headers = JSON | ({"Idempotency-Key": key} if key is not None else {})
        return self._job(await self._ask("POST", "/jobs", data=_sent(body), headers=headers))

    async def submit_many(self, bodies: Sequence[bytes]) -> list[Answer]:
        data = _sent(b'{"jobs":[' + b",".join(bodies) + b"]}")
        said = await self._ask("POST", "/jobs/batch", seconds=LONG_ANSWER, data=data, headers=JSON)
        jobs = said.get("jobs")
        if not isinstance(jobs, list) or len(jobs) != len(bodies):
            raise self._stranger(200)
        return [
            error_of(entry["problem"], f"/jobs/{place}") if entry.get("problem") else self._job(entry["job"])
            for place, entry in enumerate(jobs)
        ]

    async def show(self, job_id: str) -> View:
        return self._job(await self._ask("GET", _path(job_id)))

    async def wait(self, job_id: str, seconds: float) -> View:
        asked = {"wait": f"{seconds:.1f}"}
        return self._job(await self._ask("GET", _path(job_id), seconds=seconds + ANSWER, params=asked))

    async def retry(self, job_id: str, round_number: int | None) -> View:
        body = orjson.dumps({} if round_number is None else {"round": round_number})
        return self._job(await self._ask("POST", f"{_path(job_id)}/retry", data=body, headers=JSON))

    async def cancel(self, job_id: str) -> View:
        return self._job(await self._ask("POST", f"{_path(job_id)}/cancel"))

    async def upload(self, data: bytes, content_type: str) -> str:
        headers = {"Content-Type": content_type}
        try:
            said = await self._ask("POST", "/artifacts", seconds=LONG_ANSWER, data=_sent(data), headers=headers)
        except MessageTooLarge as error:
            raise ArtifactTooLarge(str(error)) from error
        return str(said["source"])

    async def download(self, job_id: str, name: str | None) -> bytes:
        what = "artifact" if name is None else f"artifacts/{quote(name, safe='')}"
        return await self._fetch("GET", f"{_path(job_id)}/{what}", seconds=LONG_ANSWER)

    async def _ask(self, method: str, path: str, **request: Any) -> Mapping[str, Any]:
        said = _object_in(await self._fetch(method, path, **request))
        if said is None:
            raise self._stranger(200)
        return said

    async def _fetch(
        self,
        method: str,
        path: str,
        *,
        seconds: float = ANSWER,
        params: Mapping[str, str] | None = None,
        **request: Any,
    ) -> bytes:
        """The body of a good answer; raises what a problem stands for."""
        timeout = ClientTimeout(total=None, sock_connect=CONNECT, sock_read=seconds)
        try:
            url = URL(self._url + path, encoded=True).update_query(params or {})
            asked = self._session.request(method, url, timeout=timeout, allow_redirects=False, **request)
            async with asked as response:
                status, body = response.status, await response.read()
        except (ClientError, InvalidURL, TimeoutError, ValueError) as error:
            raise self._unreachable(error) from error
        if status < 300:
            return body
        problem = _object_in(body)
        if problem is None or "title" not in problem:
            raise self._stranger(status)
        raise error_of(problem)

    def _job(self, said: Any) -> View:
        if not isinstance(said, dict) or "job_id" not in said:
            raise self._stranger(200)
        return said

    def _stranger(self, status: int) -> DaemonRefused:
        return DaemonRefused(f"{self._url} answered {status} with something that is no job. Is a cqworker there?")

    def _unreachable(self, error: Exception) -> DaemonUnreachable:
        return DaemonUnreachable(
            f"No daemon answers at {self._url}: {_cause(error)}. Start one with `cqworker run`, or correct the URL.",
            ambiguous=not isinstance(error, ClientConnectorError | InvalidURL | ValueError),
        )


def _sent(body: bytes) -> bytes | io.BytesIO:
    return body if len(body) < LARGE else io.BytesIO(body)


def _cause(error: Exception) -> str:
    if isinstance(error, ClientConnectorError):
        number = error.os_error.errno or 0
        return os.strerror(number) if number > 0 else str(error.os_error.strerror)  # a negative one is the resolver's
    return str(error).rstrip(".") or "no answer in time"


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _object_in(body: bytes) -> dict[str, Any] | None:
    try:
        said = decode(body)  # orjson would round whole numbers beyond 64 bits
    except DecodeError:
        return None
    return said if isinstance(said, dict) else None
