"""Jobs in the table and the queues themselves, as the operator of this machine sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from cqworker.client.direct_limits import change_directly
from cqworker.client.job_types import View
from cqworker.client.transport import LimitChange, QueueChange, SubmitResult, SubmitResults
from cqworker.daemon.standalone import JobServices, open_job_services
from cqworker.errors import ArtifactMissing, ArtifactTooLarge, CqworkerError, SubmissionRefused, Unavailable, safe_text
from cqworker.events import ignore
from cqworker.fleet.fleet_views import counts_view, queue_view, worker_view
from cqworker.fleet.limit_actions import key_from, limit_key_in
from cqworker.fleet.limit_views import limit_view
from cqworker.jobs.intake import JobAnswer, Sender, read_each, submit_all
from cqworker.jobs.list_ask import list_ask_from
from cqworker.jobs.list_view import count_view, page_view
from cqworker.jobs.operation_models import read_operation
from cqworker.jobs.refused_field import FieldRefused
from cqworker.jobs.reprioritise_models import read_reprioritise
from cqworker.jobs.reschedule_models import read_reschedule
from cqworker.jobs.strict_json import NotStrictJson, read_object
from cqworker.jobs.submission import Accepted
from cqworker.jobs.submission_models import InvalidFields
from cqworker.jobs.time_slices import in_slices
from cqworker.model.artifact_keys import media_type, named_artifact_key, new_artifact_id, output_reference, upload_key
from cqworker.model.job_view import job_view
from cqworker.model.record import JobRecord
from cqworker.model.tenants import DEFAULT_TENANT
from cqworker.ports.fleet import Command
from cqworker.settings import Settings

DIRECTLY = "aws"
"""Who asks, where no token says it: whoever may write to the table."""
OPERATOR = "the local operator"
"""Who gives jobs another time, as their histories say it."""
TENANT = DEFAULT_TENANT
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
        asked = _object_in(body) | ({"idempotency_key": key} if key is not None else {})
        [answer] = await self._submit_each([asked])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def submit_many(self, bodies: Sequence[bytes]) -> SubmitResults:
        return await self._submit_each([_object_in(body) for body in bodies])

    async def show(self, job_id: str) -> View:
        record = await self._record(job_id)
        why = await self._services.limits.explanations.explain(record, sees_all=True)
        return job_view(record) | ({} if why is None else {"explanation": why})

    async def wait(self, job_id: str, seconds: float) -> View:
        return job_view(await self._services.operator.wait(job_id, None, seconds))

    async def list(self, asked: Mapping[str, str]) -> View:
        return page_view(await self._services.lists.page(list_ask_from(asked), None))

    async def count(self, asked: Mapping[str, str]) -> View:
        return count_view(await self._services.lists.count(list_ask_from(asked), None))

    async def retry(self, job_id: str, round_number: int | None) -> View:
        return job_view(await self._services.operator.retry(job_id, None, round_number))

    async def cancel(self, job_id: str) -> View:
        return job_view(await self._services.operator.cancel(job_id, None))

    async def workers(self) -> Sequence[View]:
        members = await self._services.fleet.workers()
        return [worker_view(member, self._services.clock.now()) for member in members]

    async def count_fleet(self, days: int) -> View:
        return counts_view(await self._services.fleet.counts(days))

    async def order_worker(self, worker: str, command: str) -> View:
        member = await self._services.fleet.order(worker, Command(command), by=DIRECTLY)
        return worker_view(member, self._services.clock.now())

    async def queues(self) -> Sequence[View]:
        return [queue_view(standing) for standing in await self._services.fleet.queues()]

    async def change_queue(self, queue: str, change: QueueChange) -> View:
        fleet, until = self._services.fleet, None
        if change.until is not None:
            until = round(change.until.timestamp() * 1000)
        elif change.seconds is not None:
            until = self._services.clock.now() + change.seconds * 1000
        if change.act == "resume":
            return queue_view(await fleet.resume(queue, DIRECTLY, change.reason))
        ask = fleet.pause if change.act == "pause" else fleet.drain
        return queue_view(await ask(queue, until, DIRECTLY, change.reason))

    async def limits(self) -> Sequence[View]:
        return [limit_view(standing) for standing in await self._services.limits.list()]

    async def limit(self, key: str, tenant: str) -> View:
        return limit_view(await self._services.limits.show(key_from(key, tenant), limit_key_in(key)))

    async def change_limit(self, key: str, change: LimitChange) -> View:
        return await change_directly(self._services, key, change)

    async def reschedule(self, job_id: str, body: bytes) -> View:
        try:
            asked = read_reschedule(body, self._services.clock.now())
            return job_view(await self._services.operator.reschedule(job_id, None, asked.at, OPERATOR, asked.why))
        except (NotStrictJson, InvalidFields, FieldRefused) as error:
            raise SubmissionRefused(str(error)) from error

    async def reprioritise(self, job_id: str, body: bytes) -> View:
        try:
            asked = read_reprioritise(body)
            return job_view(await self._services.operator.reprioritise(job_id, None, asked.asked, OPERATOR, asked.why))
        except (NotStrictJson, InvalidFields, FieldRefused) as error:
            raise SubmissionRefused(str(error)) from error

    async def run_now(self, job_id: str) -> View:
        return job_view(await self._services.operator.reschedule(job_id, None, None, OPERATOR))

    async def start_operation(self, body: bytes) -> View:
        try:
            wish = read_operation(body)
        except (NotStrictJson, InvalidFields) as error:
            raise SubmissionRefused(str(error)) from error
        return await self._services.operations.answer(wish, None, OPERATOR)

    async def operations(self, asked: Mapping[str, str]) -> View:
        return await self._services.operations.page(asked, None)

    async def show_operation(self, operation_id: str) -> View:
        return (await self._services.operations.show(operation_id, None)).view()

    async def cancel_operation(self, operation_id: str) -> View:
        return (await self._services.operations.cancel(operation_id, None)).view()

    async def upload(self, data: bytes, content_type: str) -> str:
        if len(data) > self._max_upload:
            raise ArtifactTooLarge(f"These are {len(data)} bytes; http.max_upload takes {self._max_upload}.")
        artifact_id = new_artifact_id()
        await self._services.artifacts.put(upload_key(TENANT, artifact_id), data, media_type(content_type))
        return f"artifact:{artifact_id}"

    async def download(self, job_id: str, name: str | None) -> bytes:
        artifacts, record = self._services.artifacts, await self._record(job_id)
        if name is not None:
            return await self._download_named(record, name)
        reference = output_reference(record, artifacts.reference)
        if reference is None:
            raise ArtifactMissing("The job has no artifact: its result names none, or it has not succeeded yet.")
        return (await artifacts.get(reference, self._max_upload)).data

    async def _download_named(self, record: JobRecord, name: str) -> bytes:
        artifacts, key = self._services.artifacts, named_artifact_key(record, name)
        if key is None:
            raise ArtifactMissing("No artifact has such a name.")
        return (await artifacts.get(artifacts.reference(key), self._max_upload)).data

    @property
    def _max_upload(self) -> int:
        return self._services.settings.http.max_upload

    async def _record(self, job_id: str) -> JobRecord:
        return await self._services.operator.show(job_id, None)

    async def _submit_each(self, jobs: Sequence[object]) -> SubmitResults:
        with suppress(Unavailable):  # without an answer jobs are accepted: they can wait
            await self._services.control.read_if_old()
        read = read_each(jobs, Sender(TENANT), self._services.registry.get)
        return [_answer_of(job) async for job in in_slices(await submit_all(read, self._services.submitter))]


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except NotStrictJson as error:
        raise SubmissionRefused(str(error)) from error


def _answer_of(job: JobAnswer) -> SubmitResult:
    """The job as the API shows it, or the error that refused it: one that no rule foresaw hides no other job's."""
    match job.outcome:
        case Accepted() as accepted:
            return accepted.view()
        case InvalidFields() | FieldRefused() as error:
            return SubmissionRefused(str(error))
        case CqworkerError() as error:
            return error
        case error:
            unforeseen = CqworkerError(
                f"cqworker met {type(error).__name__}: {safe_text(error)}. The job may run: "
                "repeat with the same Idempotency-Key; without one it may run twice."
            )
            unforeseen.__cause__ = error
            return unforeseen
