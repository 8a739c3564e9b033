"""The client: submits jobs, asks after them, reads their results."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from cqworker.client.chunking import EncodedJob, submit_in_chunks
from cqworker.client.client_errors import DaemonRefused, JobFailed, JobUnfinished
from cqworker.client.fleet_client import FleetClient
from cqworker.client.job_finder import JobFinder
from cqworker.client.job_types import NewJob, View
from cqworker.client.operation_client import OperationClient
from cqworker.client.request_bodies import body_of, reprioritise_body, reschedule_body
from cqworker.client.sessions import Sessions
from cqworker.client.transport import Transport
from cqworker.client.wait_for_end import is_final, wait_until_final
from cqworker.enums import DuplicateName
from cqworker.errors import ArtifactMissing, CqworkerError
from cqworker.model.public_job import JobView
from cqworker.model.status import Status
from cqworker.model.timestamps import seconds_of
from cqworker.model.unique import Unique
from cqworker.model.view_reader import job_from
from cqworker.suggestions import submission_terms as words
from cqworker.suggestions.call_errors import explain_misuse

if TYPE_CHECKING:
    from cqworker.settings import Settings

NOTHING: Mapping[str, str] = MappingProxyType({})


class Client(JobFinder):
    """Jobs of one cqworker, within `async with`, or between `await client.open()` and `await client.close()`.

    One client serves any number of tasks, and any number of event loops: it is opened in each that uses it, and has
    connections of its own there. What is opened twice in one loop is shared, and closed with the last.

    Every method raises a CqworkerError with a text fit for people: those of `submit` are UnknownType, UnknownQueue,
    InvalidPayload, MessageTooLarge, KeyReused and SubmissionRefused (the job is wrong), DuplicateJob (another has its
    unique key), NotProvisioned (the table cannot keep jobs for later than in 15 minutes until `cqworker provision` was
    run), SendUnanswered (it may run: repeat it with the same key) and Unavailable (nothing was accepted); ClientNotOpen
    where it is not open in this event loop. Over HTTP there are DaemonUnreachable, ProxyRefused, DaemonRefused and
    NotAdmitted besides; a call that found nobody is asked again for some seconds, and one that may have arrived only
    where twice does no harm: to read, to cancel, to submit with a key, to retry a known round. Spans are in seconds.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Transport]]) -> None:
        self._sessions = Sessions(opening)

    @classmethod
    @explain_misuse(words.CLIENT)
    def http(cls, url: str, token: str | None = None) -> Self:
        """The jobs of the daemon at `url`, such as http://127.0.0.1:8080, as the bearer of `token`."""

        def opening() -> AbstractAsyncContextManager[Transport]:
            from cqworker.client.http_transport import http_transport

            return http_transport(url, token)

        return cls(opening)

    @classmethod
    def aws(cls, config: Settings | Path | str | None = None) -> Self:
        """The jobs in SQS and DynamoDB themselves, without a daemon between.

        `config` is the settings or their file; None reads what `cqworker run` would read: CQWORKER_CONFIG, the usual
        file, CQWORKER_* variables. Raises ConfigurationError. The handlers' packages must be installed here, for
        payloads are checked before anything is sent. Jobs are submitted as tenant "default" and seen of all tenants.
        """
        settings = _load_settings(config)

        def opening() -> AbstractAsyncContextManager[Transport]:
            from cqworker.client.direct_transport import direct_transport

            return direct_transport(settings)

        return cls(opening)

    async def open(self) -> Self:
        """Opens the client in this event loop, for whoever has no place for `async with`; close() it there."""
        await self._sessions.open()
        return self

    async def close(self) -> None:
        """Takes one open() in this event loop back. Raises ClientNotOpen where it was opened in another one."""
        await self._sessions.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @explain_misuse(words.SUBMIT)
    async def submit(  # noqa: PLR0913 - what a request may say, by name
        self,
        job_type: str,
        payload: object,
        /,
        *,
        key: str | None = None,
        queue: str | None = None,
        delay: float | timedelta = 0,
        run_at: datetime | None = None,
        metadata: Mapping[str, str] = NOTHING,
        tags: Sequence[str] = (),
        max_attempts: int | None = None,
        priority: str | int | None = None,
        limit_key: str | None = None,
        unique: Unique | None = None,
        on_duplicate: DuplicateName = "return",
        debounce: float | timedelta = 0,
        max_wait: float | timedelta | None = None,
    ) -> JobView:
        """Submits one job; once this returns it will end in exactly one final status. NewJob says what each means."""
        job = NewJob(
            job_type,
            payload,
            key=key,
            queue=queue,
            delay=delay,
            run_at=run_at,
            metadata=metadata,
            tags=tags,
            max_attempts=max_attempts,
            priority=priority,
            limit_key=limit_key,
            unique=unique,
            on_duplicate=on_duplicate,
            debounce=debounce,
            max_wait=max_wait,
        )
        return _job_of(await self._transport.submit(body_of(job), job.key))

    @explain_misuse(words.SUBMIT_MANY)
    async def submit_many(self, jobs: Iterable[NewJob]) -> list[JobView | CqworkerError]:
        """Submits any number of jobs, up to 500 in a request; each place of the answer is the job or its error.

        Raises where the first request failed as a whole; a later one's failure is the answer of each of its jobs.
        """
        if isinstance(jobs, NewJob | JobView | Mapping | str):
            raise TypeError(f"submit_many() takes a list of NewJobs, not one {type(jobs).__name__}.")
        answers = submit_in_chunks(self._transport, _encode(jobs))
        return [answer if isinstance(answer, CqworkerError) else _job_of(answer) async for answer in answers]

    @explain_misuse(words.GET)
    async def get(self, job_id: str) -> JobView:
        """The job as it is now. Raises JobNotFound."""
        return _job_of(await self._transport.show(_require_id(job_id)))

    @explain_misuse(words.WAIT)
    async def wait(self, job_id: str, timeout: float | timedelta | None = None) -> JobView:
        """The job once it is final. Raises JobNotFound, and JobUnfinished (a TimeoutError) after `timeout` s."""
        seconds = None if timeout is None else seconds_of(timeout)
        view = await wait_until_final(self._transport, _require_id(job_id), seconds)
        job = _job_of(view)
        if not is_final(view):
            raise JobUnfinished(job, seconds or 0.0)
        return job

    @explain_misuse(words.RESULT)
    async def result(self, job_id: str, timeout: float | timedelta | None = None) -> Any:
        """What the handler returned, once it has; as `wait`, and raises JobFailed for a FAILED or CANCELLED job."""
        job = await self.wait(job_id, timeout)
        if job.status is not Status.SUCCEEDED:
            raise JobFailed(job)
        return job.result if job.result_ref is None else json.loads(await self.download(job_id))

    @explain_misuse(words.RETRY)
    async def retry(self, job_id: str, round_number: int | None = None) -> JobView:
        """A new round for a FAILED or CANCELLED job; for a stuck one its message again.

        With the `round_number` that was seen to fail a repeated retry is harmless. Raises JobNotFound, NotAllowedNow.
        """
        return _job_of(await self._transport.retry(_require_id(job_id), round_number))

    @explain_misuse(words.CANCEL)
    async def cancel(self, job_id: str) -> JobView:
        """Cancels a job that waits, asks one that runs to stop. Raises JobNotFound, NotAllowedNow."""
        return _job_of(await self._transport.cancel(_require_id(job_id)))

    @explain_misuse(words.RESCHEDULE)
    async def reschedule(
        self,
        job_id: str,
        *,
        run_at: datetime | None = None,
        delay: float | timedelta | None = None,
        reason: str = "",
    ) -> JobView:
        """Another time for a job that waits, as `run_at` or as a `delay` from now; `reason` is for its history.

        Raises JobNotFound, NotProvisioned, SubmissionRefused for a time that cannot be, and NotAllowedNow where the job
        runs, is final or was asked to stop.
        """
        body = reschedule_body(run_at, delay, reason)
        return _job_of(await self._transport.reschedule(_require_id(job_id), body))

    @explain_misuse(words.REPRIORITISE)
    async def reprioritise(self, job_id: str, priority: str | int, reason: str = "") -> JobView:
        """Another level of its queue for a job that waits, such as "high" or 9; `reason` is for its history.

        Raises JobNotFound, SubmissionRefused where the queue has no such level, and NotAllowedNow where the job runs,
        is final or was asked to stop.
        """
        body = reprioritise_body(priority, reason)
        return _job_of(await self._transport.reprioritise(_require_id(job_id), body))

    @explain_misuse(words.RUN_NOW)
    async def run_now(self, job_id: str) -> JobView:
        """Starts a job that waits as soon as a worker is free. Raises as `reschedule` does."""
        return _job_of(await self._transport.run_now(_require_id(job_id)))

    @explain_misuse(words.UPLOAD)
    async def upload(self, data: bytes, content_type: str = "application/octet-stream") -> str:
        """Keeps the bytes and returns what a payload says to refer to them ("artifact:…"). Raises ArtifactTooLarge."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"upload() takes bytes, not {type(data).__name__}: text.encode(), or Path(…).read_bytes().")
        if not data:
            raise ValueError("There is nothing to upload: the data is empty.")
        return await self._transport.upload(data, content_type)

    @explain_misuse(words.DOWNLOAD)
    async def download(self, job_id: str, name: str | None = None) -> bytes:
        """What the job made: the object that its result names as `output`, or the one that has this name.

        Raises JobNotFound, ArtifactMissing.
        """
        if name == "":
            raise ArtifactMissing("No artifact has an empty name.")
        return await self._transport.download(_require_id(job_id), name)

    @property
    def fleet(self) -> FleetClient:
        """The workers of the fleet, how queues and limits stand: for operators of all tenants."""
        return FleetClient(lambda: self._transport)

    @property
    def operations(self) -> OperationClient:
        """Retry or cancel all jobs that a filter matches; how far that is."""
        return OperationClient(lambda: self._transport)

    @property
    def _transport(self) -> Transport:
        return self._sessions.transport

    def __enter__(self) -> NoReturn:
        raise TypeError("The client is asynchronous: write `async with` in place of `with`.")

    def __exit__(self, *_: object) -> None:
        """Never reached; without it Python would miss it before __enter__ can say what is wrong."""

    if not TYPE_CHECKING:  # for type checkers a name that a client does not have stays an error

        def __getattr__(self, name: str) -> NoReturn:
            """Says what is meant where another job system has such a name."""
            meant = f": {words.ATTRIBUTES[name]}." if name in words.ATTRIBUTES else "."
            raise AttributeError(f"The client has no {name}{meant}", name=name, obj=self)


def _load_settings(config: Settings | Path | str | None) -> Settings:
    from cqworker.settings import Settings, find_file, load_settings

    if isinstance(config, Settings):
        return config
    path = find_file(None if config is None else Path(config), os.environ)
    return load_settings(path, os.environ)


def _require_id(job_id: Any) -> str:
    if isinstance(job_id, JobView | NewJob):
        raise TypeError(f"A {type(job_id).__name__} is no job's id: write job.job_id, of what submit() returned.")
    if not isinstance(job_id, str):
        raise TypeError(f"A job's id is a text, not {job_id!r}.")
    return job_id


def _encode(jobs: Iterable[NewJob]) -> Iterator[EncodedJob]:
    for job in jobs:
        try:
            yield body_of(job, with_key=True)
        except CqworkerError as error:
            yield error


def _job_of(view: View) -> JobView:
    try:
        return job_from(view)
    except (KeyError, TypeError, ValueError) as error:
        raise DaemonRefused(f"The answer shows a job that this version cannot read ({error!r}).") from error
