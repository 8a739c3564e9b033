"""Big things over HTTP: upload one to use it as a source, fetch one, fetch what a job made."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiohttp import hdrs, web

from cqworker.errors import ArtifactMissing
from cqworker.model.record import JobRecord
from cqworker.ports import Artifacts, StoredObject
from cqworker.web.bodies import read_body
from cqworker.web.jobs import job_id_of
from cqworker.web.parts import parts_of, present
from cqworker.web.problems import Kind, Problem
from cqworker.web.tokens import caller_of

MAX_AT_ONCE = 8
"""Uploads that are held in memory at one time; the others are not read until there is room."""
ROOM_PATIENCE = 15.0
"""Seconds that an upload waits for room."""
SAFE_TYPES = {
    "application/json": "json",
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/plain": "txt",
}
"""What may be given back under its own name: nothing that a browser would run, such as HTML or SVG."""
UNKNOWN = "application/octet-stream"
UPLOADS = web.AppKey("uploads", asyncio.Semaphore)
_ARTIFACT_ID = re.compile(r"[0-9a-f]{32}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


async def upload(request: web.Request) -> web.StreamResponse:
    """POST /artifacts."""
    parts = parts_of(request)
    async with _room(request.app[UPLOADS]):
        data = await read_body(request, parts.settings.http.max_upload)
        if not data:
            raise Problem(Kind.MALFORMED, "The body is empty; it should be the bytes to keep.")
        artifact_id = secrets.token_hex(16)
        content_type = request.content_type if _MEDIA_TYPE.fullmatch(request.content_type) else UNKNOWN
        key = upload_key(caller_of(request).own_tenant, artifact_id)
        await present(parts.artifacts).put(key, data, content_type)
    shown = {
        "artifact_id": artifact_id,
        "bytes": len(data),
        "content_type": content_type,
        "source": f"artifact:{artifact_id}",
    }
    location = f"{request.path}/{artifact_id}"
    return web.json_response(shown, status=201, headers={"Location": location})


async def download(request: web.Request) -> web.StreamResponse:
    """GET /artifacts/{artifact_id}."""
    artifact_id = request.match_info["artifact_id"]
    if not _ARTIFACT_ID.fullmatch(artifact_id):
        raise ArtifactMissing("No artifact has such an id.")
    parts = parts_of(request)
    artifacts = present(parts.artifacts)
    reference = artifacts.reference(upload_key(caller_of(request).own_tenant, artifact_id))
    return _served(await artifacts.get(reference, parts.settings.http.max_upload), artifact_id)


async def download_of_job(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{job_id}/artifact."""
    parts = parts_of(request)
    record = await present(parts.desk).show(job_id_of(request), caller_of(request).tenant)
    artifacts = present(parts.artifacts)
    reference = record.result_ref or _output_of(record, artifacts)
    if reference is None:
        detail = "The job has no artifact: its result names none, or it has not succeeded yet."
        raise Problem(Kind.ARTIFACT_NOT_FOUND, detail, members={"job_id": record.job_id})
    return _served(await artifacts.get(reference, parts.settings.http.max_upload), record.job_id)


def upload_key(tenant: str, artifact_id: str) -> str:
    """Where an uploaded artifact lives, below the configured prefix."""
    return f"uploads/{tenant}/{artifact_id}"


def _output_of(record: JobRecord, artifacts: Artifacts) -> str | None:
    """The object a result refers to, if it is the job's own: a handler's word opens no other door."""
    result = orjson.loads(record.result) if record.result else None
    output = result.get("output") if isinstance(result, dict) else None
    own = artifacts.reference(f"{record.job_id}/")
    if not isinstance(output, str) or not output.startswith(own):
        return None
    steps = output.removeprefix(own).split("/")
    return output if all(step not in ("", ".", "..") for step in steps) else None


def _served(stored: StoredObject, name: str) -> web.Response:
    content_type = stored.content_type.partition(";")[0].strip().lower()
    content_type = content_type if content_type in SAFE_TYPES else UNKNOWN
    filename = f"{_UNSAFE.sub('_', name).lstrip('.') or 'artifact'}.{SAFE_TYPES[content_type]}"
    headers = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{filename}"'}
    return web.Response(body=stored.data, content_type=content_type, headers=headers)


@asynccontextmanager
async def _room(uploads: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(ROOM_PATIENCE):
            await uploads.acquire()
    except TimeoutError:
        raise Problem(Kind.CROWDED, f"{MAX_AT_ONCE} uploads are arriving already. Try again in a while.") from None
    try:
        yield
    finally:
        uploads.release()
