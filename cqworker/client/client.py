"""The client: submits jobs, asks after them, reads their results."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from cqworker.client.errors import DaemonRefused, JobFailed, JobUnfinished
from cqworker.client.job import JobView, NewJob, View, body_of, job_from
from cqworker.client.portions import Job, submitted
from cqworker.client.transport import Transport
from cqworker.client.waiting import is_final, until_final
from cqworker.errors import ArtifactMissing, CqworkerError
from cqworker.model.status import Status

if TYPE_CHECKING:
    from cqworker.settings import Settings


class Options(TypedDict, total=False):
    """What may be said of a job beside its type and payload; NewJob says what each means."""

    key: str | None
    queue: str | None
    delay: int
    metadata: Mapping[str, str]
    tags: Sequence[str]
    max_attempts: int | None


class Client:
    """Jobs of one cqworker, within `async with`; one client serves any number of tasks of its event loop.

    Every method raises a CqworkerError with a text fit for people: those of `submit` are UnknownType, UnknownQueue,
    InvalidPayload, MessageTooLarge, KeyReused and SubmissionRefused (the job is wrong), SendUnanswered (it may run:
    repeat it with the same key) and Unavailable (nothing was accepted). Over HTTP there are DaemonUnreachable,
    DaemonRefused and NotAdmitted besides.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Transport]]) -> None:
        self._opening = opening
        self._opened: Transport | None = None
        self._closing = AsyncExitStack()

    @classmethod
    def http(cls, url: str, token: str | None = None) -> Self:
        """The jobs of the daemon at `url`, such as http://127.0.0.1:8080, as the bearer of `token`."""

        def opening() -> AbstractAsyncContextManager[Transport]:
            from cqworker.client.http import http_transport

            return http_transport(url, token)

        return cls(opening)

    @classmethod
    def aws(cls, config: Settings | Path | str | None = None) -> Self:
        """The jobs in SQS and DynamoDB themselves, without a daemon between.

        `config` is the settings or their file; None reads what `cqworker run` would read: CQWORKER_CONFIG, the usual
        file, CQWORKER_* variables. Raises ConfigurationError. The handlers' packages must be installed here, for
        payloads are checked before anything is sent. Jobs are submitted as tenant "default" and seen of all tenants.
        """
        settings = _settings(config)

        def opening() -> AbstractAsyncContextManager[Transport]:
            from cqworker.client.direct import direct_transport

            return direct_transport(settings)

        return cls(opening)

    async def __aenter__(self) -> Self:
        self._opened = await self._closing.enter_async_context(self._opening())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = None
        await self._closing.__aexit__(kind, error, trace)

    async def submit(self, job_type: str, payload: object, /, **options: Unpack[Options]) -> JobView:
        """Submits one job; once this returns it will end in exactly one final status."""
        job = NewJob(job_type, payload, **options)
        return _read(await self._transport.submit(body_of(job), job.key))

    async def submit_many(self, jobs: Iterable[NewJob]) -> list[JobView | CqworkerError]:
        """Submits any number of jobs, up to 500 in a request; each place of the answer is the job or its error.

        Raises where the first request failed as a whole; a later one's failure is the answer of each of its jobs.
        """
        answers = submitted(self._transport, _bodies(jobs))
        return [answer if isinstance(answer, CqworkerError) else _read(answer) async for answer in answers]

    async def get(self, job_id: str) -> JobView:
        """The job as it is now. Raises JobNotFound."""
        return _read(await self._transport.show(job_id))

    async def wait(self, job_id: str, timeout: float | None = None) -> JobView:
        """The job once it is final. Raises JobNotFound, and JobUnfinished (a TimeoutError) after `timeout` s."""
        view = await until_final(self._transport, job_id, timeout)
        job = _read(view)
        if not is_final(view):
            raise JobUnfinished(job, timeout or 0.0)
        return job

    async def result(self, job_id: str, timeout: float | None = None) -> Any:
        """What the handler returned, once it has; as `wait`, and raises JobFailed for a FAILED or CANCELLED job."""
        job = await self.wait(job_id, timeout)
        if job.status is not Status.SUCCEEDED:
            raise JobFailed(job)
        return job.result if job.result_ref is None else json.loads(await self.download(job_id))

    async def retry(self, job_id: str, round_number: int | None = None) -> JobView:
        """A new round for a FAILED or CANCELLED job; for a stuck one its message again.

        With the `round_number` that was seen to fail a repeated retry is harmless. Raises JobNotFound, NotAllowedNow.
        """
        return _read(await self._transport.retry(job_id, round_number))

    async def cancel(self, job_id: str) -> JobView:
        """Cancels a job that waits, asks one that runs to stop. Raises JobNotFound, NotAllowedNow."""
        return _read(await self._transport.cancel(job_id))

    async def upload(self, data: bytes, content_type: str = "application/octet-stream") -> str:
        """Keeps the bytes and returns what a payload says to refer to them ("artifact:…"). Raises ArtifactTooLarge."""
        if not data:
            raise ValueError("There is nothing to upload: the data is empty.")
        return await self._transport.upload(data, content_type)

    async def download(self, job_id: str, name: str | None = None) -> bytes:
        """What the job made: the object that its result names as `output`, or the one that has this name.

        Raises JobNotFound, ArtifactMissing.
        """
        if name == "":
            raise ArtifactMissing("No artifact has an empty name.")
        return await self._transport.download(job_id, name)

    @property
    def _transport(self) -> Transport:
        if self._opened is None:
            raise RuntimeError("The client is not open: use it within `async with Client.http(…) as client:`.")
        return self._opened


def _settings(config: Settings | Path | str | None) -> Settings:
    from cqworker.settings import Settings, find_file, load_settings

    if isinstance(config, Settings):
        return config
    path = find_file(None if config is None else Path(config), os.environ)
    return load_settings(path, os.environ)


def _bodies(jobs: Iterable[NewJob]) -> Iterator[Job]:
    for job in jobs:
        try:
            yield body_of(job, with_key=True)
        except CqworkerError as error:
            yield error


def _read(view: View) -> JobView:
    try:
        return job_from(view)
    except (KeyError, TypeError, ValueError) as error:
        raise DaemonRefused(f"The answer shows a job that this version cannot read ({error!r}).") from error
