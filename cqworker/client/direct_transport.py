"""Jobs in the table and the queues themselves, as the operator of this machine sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from cqworker.client.job_types import View
from cqworker.client.problem_errors import error_of
from cqworker.client.transport import Answer
from cqworker.daemon.standalone import JobServices, open_job_services
from cqworker.errors import ArtifactMissing, ArtifactTooLarge, SubmissionRefused
from cqworker.events import ignore
from cqworker.model.artifact_keys import media_type, named_key, new_artifact_id, product_of, upload_key
from cqworker.model.job_view import job_view
from cqworker.model.record import JobRecord
from cqworker.model.tenants import DEFAULT
from cqworker.settings import Settings
from cqworker.web.batch_routes import answers_to
from cqworker.web.job_parser import Said, read_jobs
from cqworker.web.strict_json import NotStrictJson, read_object

TENANT = DEFAULT
"""Whose jobs are submitted; asked after are everybody's."""


@asynccontextmanager
async def direct_transport(settings: Settings) -> AsyncIterator[DirectTransport]:
    """The jobs in the services that the settings and the AWS SDK's own variables name."""
    async with open_job_services(settings, ignore) as opened:
        yield DirectTransport(opened)


class DirectTransport:
    """The jobs of one table; the limits of the API hold here, too."""

    def __init__(self, services: JobServices) -> None:
        self._services = services

    async def submit(self, body: bytes, key: str | None) -> View:
        asked = _asked(body) | ({"idempotency_key": key} if key is not None else {})
        [answer] = await self._submitted([asked])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def submit_many(self, bodies: Sequence[bytes]) -> list[Answer]:
        return await self._submitted([_asked(body) for body in bodies])

    async def show(self, job_id: str) -> View:
        return job_view(await self._record(job_id))

    async def wait(self, job_id: str, seconds: float) -> View:
        return job_view(await self._services.desk.wait(job_id, None, seconds))

    async def retry(self, job_id: str, round_number: int | None) -> View:
        return job_view(await self._services.desk.retry(job_id, None, round_number))

    async def cancel(self, job_id: str) -> View:
        return job_view(await self._services.desk.cancel(job_id, None))

    async def upload(self, data: bytes, content_type: str) -> str:
        if len(data) > self._largest:
            raise ArtifactTooLarge(f"These are {len(data)} bytes; http.max_upload takes {self._largest}.")
        artifact_id = new_artifact_id()
        await self._services.artifacts.put(upload_key(TENANT, artifact_id), data, media_type(content_type))
        return f"artifact:{artifact_id}"

    async def download(self, job_id: str, name: str | None) -> bytes:
        artifacts, record = self._services.artifacts, await self._record(job_id)
        if name is not None:
            return await self._named(record, name)
        reference = product_of(record, artifacts.reference)
        if reference is None:
            raise ArtifactMissing("The job has no artifact: its result names none, or it has not succeeded yet.")
        return (await artifacts.get(reference, self._largest)).data

    async def _named(self, record: JobRecord, name: str) -> bytes:
        artifacts, key = self._services.artifacts, named_key(record, name)
        if key is None:
            raise ArtifactMissing("No artifact has such a name.")
        return (await artifacts.get(artifacts.reference(key), self._largest)).data

    @property
    def _largest(self) -> int:
        return self._services.settings.http.max_upload

    async def _record(self, job_id: str) -> JobRecord:
        return await self._services.desk.show(job_id, None)

    async def _submitted(self, asked: Sequence[object]) -> list[Answer]:
        submitter = self._services.submitter
        read = read_jobs(asked, Said(TENANT), self._services.registry.get)
        shown = await answers_to(read, submitter, unforeseen=_unforeseen, show=job_view)
        return [_answer(answer, f"/jobs/{place}") for place, answer in enumerate(shown)]


def _asked(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except NotStrictJson as error:
        raise SubmissionRefused(str(error)) from error


def _answer(shown: Mapping[str, Any], at: str) -> Answer:
    if "problem" in shown:
        return error_of(shown["problem"], at)
    job: View = shown["job"]
    return job


def _unforeseen(error: Exception) -> NoReturn:
    raise error
