"""Big things over HTTP: upload one to use it as a source, fetch one, fetch what a job made."""

from __future__ import annotations

import re
from functools import partial

from aiohttp import hdrs, web

from cqworker.errors import ArtifactMissing
from cqworker.model.artifact_keys import (
    ANY_BYTES,
    artifact_name_of,
    media_type,
    named_artifact_key,
    new_artifact_id,
    output_reference,
    upload_key,
)
from cqworker.web.app_context import context_of, require
from cqworker.web.auth import caller_of, charge_rate
from cqworker.web.body_reader import receive, release
from cqworker.web.client_connection import connection_of
from cqworker.web.fair_queue import FairQueue
from cqworker.web.job_routes import job_id_of
from cqworker.web.json_response import as_json
from cqworker.web.problems import Problem, ProblemKind
from cqworker.web.upload_spool import SPOOLS

MAX_TRANSFERS = 8
"""Artifacts that are on their way to S3 or from it at one time; the others wait, tenants in turn."""
TRANSFER_TIMEOUT = 15.0
"""Seconds that a transfer waits for its turn."""
TRANSFERS_FULL = "Too many artifacts are on their way to S3 or from it already. Try again later."
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
TRANSFERS = web.AppKey("transfers", FairQueue)
_ARTIFACT_ID = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


async def upload(request: web.Request) -> web.StreamResponse:
    """POST /artifacts."""
    charge_rate(request)
    context, content_type = context_of(request), _declared_type(request)
    connection = connection_of(request)
    async with request.app[SPOOLS].spool(connection.owner, partial(release, request)) as spool:
        if not await receive(request, context.settings.http.max_upload, spool.write):
            raise Problem(ProblemKind.MALFORMED, "The body is empty; it should be the bytes to keep.")
        spool.claim.is_waiting = False
        artifact_id = new_artifact_id()
        key = upload_key(caller_of(request).own_tenant, artifact_id)
        async with request.app[TRANSFERS].turn(connection.owner):
            await require(context.artifacts).put(key, await spool.whole(), content_type)
    shown = {"artifact_id": artifact_id, "bytes": spool.size, "content_type": content_type}
    shown["source"] = f"artifact:{artifact_id}"
    return as_json(shown, 201, {hdrs.LOCATION: f"{request.path}/{artifact_id}"})


async def download(request: web.Request) -> web.StreamResponse:
    """GET /artifacts/{artifact_id}."""
    artifact_id = request.match_info["artifact_id"]
    if not _ARTIFACT_ID.fullmatch(artifact_id):
        raise ArtifactMissing("No artifact has such an id.")
    key = upload_key(caller_of(request).own_tenant, artifact_id)
    return await _send(request, require(context_of(request).artifacts).reference(key), artifact_id)


async def download_of_job(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{job_id}/artifact."""
    context = context_of(request)
    record = await require(context.operator).show(job_id_of(request), caller_of(request).tenant)
    whereabouts = require(context.artifacts).reference
    reference = output_reference(record, whereabouts)
    if reference is None:
        detail = "The job has no artifact: its result names none, or it has not succeeded yet."
        raise Problem(ProblemKind.ARTIFACT_NOT_FOUND, detail, members={"job_id": record.job_id})
    return await _send(request, reference, artifact_name_of(record, reference, whereabouts) or record.job_id)


async def download_by_name(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{job_id}/artifacts/{name}."""
    context, name = context_of(request), request.match_info["name"]
    record = await require(context.operator).show(job_id_of(request), caller_of(request).tenant)
    if (key := named_artifact_key(record, name)) is None:
        detail = "No artifact has such a name."
        raise Problem(ProblemKind.ARTIFACT_NOT_FOUND, detail, members={"job_id": record.job_id})
    return await _send(request, require(context.artifacts).reference(key), name)


def _declared_type(request: web.Request) -> str:
    if request.content_type.startswith("multipart/"):
        raise Problem(ProblemKind.MEDIA_TYPE, "Send the bytes as they are, no form: curl --data-binary @FILE, not -F.")
    return media_type(request.content_type)


async def _send(request: web.Request, reference: str, name: str) -> web.StreamResponse:
    """Fetches the object, then writes it as fast as the client reads it, which holds up no other transfer."""
    context, connection = context_of(request), connection_of(request)
    async with request.app[SPOOLS].spool(connection.owner, connection.evict, connection.progress) as spool:
        spool.claim.is_waiting = False
        async with request.app[TRANSFERS].turn(connection.owner):
            stored_as = await require(context.artifacts).copy(reference, context.settings.http.max_upload, spool.write)
        response = web.StreamResponse(headers=_headers(stored_as, name))
        response.content_length = spool.size
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            spool.mark_waiting()
            async for piece in spool.pieces():
                await response.write(piece)
        await response.write_eof()
    return response


def _headers(stored_as: str, name: str) -> dict[str, str]:
    content_type = stored_as.partition(";")[0].strip().lower()
    content_type = content_type if content_type in SAFE_TYPES else ANY_BYTES
    filename, ending = _UNSAFE.sub("_", name).lstrip(".") or "artifact", f".{SAFE_TYPES[content_type]}"
    filename = f"{filename.removesuffix(ending)}{ending}"
    return {hdrs.CONTENT_TYPE: content_type, hdrs.CONTENT_DISPOSITION: f'attachment; filename="{filename}"'}
