"""Jobs through a daemon's HTTP API."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from msgspec import DecodeError, Struct
from msgspec.json import decode
from yarl import URL

from cqworker.client.client_errors import DaemonRefused
from cqworker.client.connection_errors import CONNECT_TIMEOUT, PROXY_STATUSES, refused_by_proxy, unreachable
from cqworker.client.job_types import View
from cqworker.client.problem_errors import error_of
from cqworker.client.request_retry import RETRY_DEADLINE, retry_call
from cqworker.client.transport import LimitChange, QueueChange, SubmitResults
from cqworker.errors import ArtifactTooLarge, MessageTooLarge, NotAllowedNow, SubmissionRefused
from cqworker.model.ids import IDEMPOTENCY_KEY
from cqworker.model.status import Status

ANSWER_TIMEOUT = 15.0
"""Seconds that a daemon has to answer, beyond what it was asked to wait."""
LONG_ANSWER_TIMEOUT = 180.0
"""Seconds for many jobs or many bytes: a daemon gives each call to AWS 15, and a batch makes ten of them in turn."""
MAX_CONNECTIONS = 500
"""Connections of one client: half of what a daemon takes, for every wait for a job's end keeps one."""
LARGE_BODY = 1 << 20
"""Bytes from which aiohttp warns about a body that is given as bytes (1 MiB)."""
JSON_HEADERS = {"Content-Type": "application/json"}


@asynccontextmanager
async def http_transport(url: str, token: str | None) -> AsyncIterator[HttpTransport]:
    """The jobs of the daemon at `url`, as the bearer of `token`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession(headers=headers, connector=TCPConnector(limit=MAX_CONNECTIONS)) as session:
        yield HttpTransport(session, url.rstrip("/"))


class HttpTransport:
    """The jobs of one daemon."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def submit(self, body: bytes, key: str | None) -> View:
        if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key):
            raise SubmissionRefused("The idempotency key must be 1 to 128 printable ASCII characters.")
        headers = JSON_HEADERS | ({"Idempotency-Key": key} if key is not None else {})
        return self._job(await self._ask("POST", "/jobs", is_harmless=key is not None, data=body, headers=headers))

    async def submit_many(self, bodies: Sequence[bytes]) -> SubmitResults:
        shown = await self._ask(
            "POST",
            "/jobs/batch",
            is_harmless=all(map(_has_key, bodies)),
            seconds=LONG_ANSWER_TIMEOUT,
            data=b'{"jobs":[' + b",".join(bodies) + b"]}",
            headers=JSON_HEADERS,
        )
        jobs = shown.get("jobs")
        if not isinstance(jobs, list) or len(jobs) != len(bodies):
            raise self._not_a_daemon(200)
        return [
            error_of(entry["problem"], f"/jobs/{place}") if entry.get("problem") else self._job(entry["job"])
            for place, entry in enumerate(jobs)
        ]

    async def show(self, job_id: str) -> View:
        return self._job(await self._ask("GET", _path(job_id), is_harmless=True))

    async def wait(self, job_id: str, seconds: float) -> View:
        """Asks once: the caller asks again for as long as it waits."""
        asked = {"wait": f"{seconds:.1f}"}
        return self._job(
            self._require_object(
                await self._request("GET", _path(job_id), seconds=seconds + ANSWER_TIMEOUT, params=asked)
            )
        )

    async def list(self, asked: Mapping[str, str]) -> View:
        return self._list("jobs", await self._ask("GET", "/jobs", is_harmless=True, params=asked))

    async def count(self, asked: Mapping[str, str]) -> View:
        return self._list("count", await self._ask("GET", "/jobs/count", is_harmless=True, params=asked))

    async def retry(self, job_id: str, round_number: int | None) -> View:
        body = orjson.dumps({} if round_number is None else {"round": round_number})
        is_harmless, path = round_number is not None, f"{_path(job_id)}/retry"
        return self._job(await self._ask("POST", path, is_harmless=is_harmless, data=body, headers=JSON_HEADERS))

    async def cancel(self, job_id: str) -> View:
        """Cancels; a job that an earlier try cancelled, whose answer was lost, is no error."""
        tries = 0

        async def once() -> bytes:
            nonlocal tries
            tries += 1
            return await self._request("POST", f"{_path(job_id)}/cancel")

        try:
            return self._job(self._require_object(await retry_call(once, is_harmless=True)))
        except NotAllowedNow:
            job = await self.show(job_id) if tries > 1 else {}
            if job.get("status") != Status.CANCELLED:
                raise
            return job

    async def workers(self) -> Sequence[View]:
        return self._entries(await self._ask("GET", "/workers", is_harmless=True), "workers")

    async def count_fleet(self, days: int) -> View:
        return await self._ask("GET", f"/workers/counts?days={days}", is_harmless=True)

    async def order_worker(self, worker: str, command: str) -> View:
        return await self._ask("POST", f"/workers/{quote(worker, safe='')}/{command}", is_harmless=True)

    async def queues(self) -> Sequence[View]:
        return self._entries(await self._ask("GET", "/queues", is_harmless=True), "queues")

    async def change_queue(self, queue: str, change: QueueChange) -> View:
        until = change.until.isoformat() if change.until is not None else None
        said = {"until": until, "for": change.seconds, "reason": change.reason}
        body = orjson.dumps({name: value for name, value in said.items() if value})
        path = f"/queues/{quote(queue, safe='')}/{change.act}"
        return await self._ask("POST", path, is_harmless=True, data=body, headers=JSON_HEADERS)

    async def limits(self) -> Sequence[View]:
        return self._entries(await self._ask("GET", "/limits", is_harmless=True), "limits")

    async def limit(self, key: str, tenant: str) -> View:
        return await self._ask("GET", _limit_path(key, "", tenant), is_harmless=True)

    async def change_limit(self, key: str, change: LimitChange) -> View:
        until = change.until.isoformat() if change.until is not None else None
        said = {"concurrency": change.concurrency, "rate": change.rate, "burst": change.burst}
        said |= {"until": until, "for": change.seconds, "reason": change.reason or None}
        body = orjson.dumps({name: value for name, value in said.items() if value is not None})
        path = _limit_path(key, f"/{change.act}", change.tenant)
        return await self._ask("POST", path, is_harmless=True, data=body, headers=JSON_HEADERS)

    async def reschedule(self, job_id: str, body: bytes) -> View:
        path = f"{_path(job_id)}/reschedule"
        return self._job(await self._ask("POST", path, is_harmless=False, data=body, headers=JSON_HEADERS))

    async def reprioritise(self, job_id: str, body: bytes) -> View:
        path = f"{_path(job_id)}/priority"
        return self._job(await self._ask("POST", path, is_harmless=True, data=body, headers=JSON_HEADERS))

    async def run_now(self, job_id: str) -> View:
        return self._job(await self._ask("POST", f"{_path(job_id)}/run-now", is_harmless=False))

    async def start_operation(self, body: bytes) -> View:
        seconds, headers = LONG_ANSWER_TIMEOUT, JSON_HEADERS
        return await self._ask("POST", "/operations", is_harmless=False, seconds=seconds, data=body, headers=headers)

    async def operations(self, asked: Mapping[str, str]) -> View:
        return self._list("operations", await self._ask("GET", "/operations", is_harmless=True, params=asked))

    async def show_operation(self, operation_id: str) -> View:
        return await self._ask("GET", _operation_path(operation_id), is_harmless=True)

    async def cancel_operation(self, operation_id: str) -> View:
        return await self._ask("POST", f"{_operation_path(operation_id)}/cancel", is_harmless=False)

    async def upload(self, data: bytes, content_type: str) -> str:
        request: dict[str, Any] = {"data": data, "headers": {"Content-Type": content_type}}
        try:
            shown = await self._ask("POST", "/artifacts", is_harmless=False, seconds=LONG_ANSWER_TIMEOUT, **request)
        except MessageTooLarge as error:
            raise ArtifactTooLarge(str(error)) from error
        return str(shown["source"])

    async def download(self, job_id: str, name: str | None) -> bytes:
        what = "artifact" if name is None else f"artifacts/{quote(name, safe='')}"
        path = f"{_path(job_id)}/{what}"
        return await retry_call(
            lambda: self._request("GET", path, seconds=LONG_ANSWER_TIMEOUT),
            is_harmless=True,
            within=max(RETRY_DEADLINE, LONG_ANSWER_TIMEOUT),
        )

    async def _ask(
        self, method: str, path: str, *, is_harmless: bool, seconds: float = 0.0, **request: Any
    ) -> Mapping[str, Any]:
        """The object in a successful answer; asked again where nobody answers, as `retry_call` does."""
        within = max(RETRY_DEADLINE, seconds)
        return self._require_object(
            await retry_call(
                lambda: self._request(method, path, seconds=seconds, **request), is_harmless=is_harmless, within=within
            )
        )

    async def _request(
        self,
        method: str,
        path: str,
        *,
        seconds: float = 0.0,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of a successful answer, waited for `seconds` (0: ANSWER_TIMEOUT). Raises the error of a problem."""
        seconds = seconds or ANSWER_TIMEOUT
        timeout = ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=seconds)
        request: dict[str, Any] = {"data": _payload_of(data), "headers": headers, "timeout": timeout}
        try:
            url = URL(self._url + path, encoded=True).update_query(params or {})
            async with self._session.request(method, url, allow_redirects=False, **request) as response:
                status, body, place = response.status, await response.read(), response.headers.get("Location", "")
        except (ClientError, TimeoutError, ValueError, OSError) as error:
            raise unreachable(self._url, error, seconds) from error
        if status < 300:
            return body
        problem = _parse_object(body)
        if problem is not None and "title" in problem:
            raise error_of(problem)
        raise refused_by_proxy(self._url, status) if status in PROXY_STATUSES else self._not_a_daemon(status, place)

    def _require_object(self, body: bytes) -> Mapping[str, Any]:
        shown = _parse_object(body)
        if shown is None:
            raise self._not_a_daemon(200)
        return shown

    def _list(self, name: str, shown: View) -> View:
        if name not in shown or "next" not in shown:
            raise self._not_a_daemon(200)
        return shown

    def _entries(self, shown: Mapping[str, Any], name: str) -> Sequence[View]:
        found = shown.get(name)
        if not isinstance(found, list):
            raise self._not_a_daemon(200)
        return found

    def _job(self, shown: Any) -> View:
        if not isinstance(shown, dict) or "job_id" not in shown:
            raise self._not_a_daemon(200)
        return shown

    def _not_a_daemon(self, status: int, place: str = "") -> DaemonRefused:
        elsewhere = f"It points to {place}: write the daemon's own URL." if place else "Is a cqworker there?"
        return DaemonRefused(f"{self._url} answered {status} with something that is no job. {elsewhere}")


class _Keyed(Struct):
    """Whether a job of a batch has a key of its own."""

    idempotency_key: str | None = None


def _has_key(body: bytes) -> bool:
    return decode(body, type=_Keyed).idempotency_key is not None


def _payload_of(body: bytes | None) -> bytes | io.BytesIO | None:
    return body if body is None or len(body) < LARGE_BODY else io.BytesIO(body)


def _limit_path(key: str, act: str, tenant: str) -> str:
    return f"/limits/{quote(key, safe='')}{act}?tenant={quote(tenant, safe='')}"


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"


def _operation_path(operation_id: str) -> str:
    return f"/operations/{quote(operation_id, safe='')}"


def _parse_object(body: bytes) -> dict[str, Any] | None:
    try:
        shown = decode(body)  # orjson would round whole numbers beyond 64 bits
    except DecodeError:
        return None
    return shown if isinstance(shown, dict) else None
