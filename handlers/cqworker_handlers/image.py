"""image.grayscale: a picture from S3, without its colours, back to S3."""

from __future__ import annotations

from typing import Annotated

import anyio.to_process
from anyio import BrokenWorkerProcess
from pydantic import BaseModel, ConfigDict, Field

from cqworker import ArtifactMissing, ArtifactTooLarge, Backoff, Job, Reject, Retry, SourceRefused, handler
from cqworker_handlers.pixels import to_gray

MAX_BYTES = 33_554_432
"""The largest file that is read: 32 MiB."""

Source = Annotated[
    str,
    Field(
        pattern=r"^(s3://[^/]+/.+|artifact:[A-Za-z0-9_-]{1,64})$",
        max_length=1100,
        description="`artifact:<id>` of an upload, or `s3://bucket/key` in a source or written by a job of the tenant",
    ),
]


class Grayscale(BaseModel):
    """The picture to turn grey; the output's place is the job's own, so that attempts cannot overwrite each other."""

    model_config = ConfigDict(extra="forbid")

    source: Source


class GrayPicture(BaseModel):
    """Where the grey picture is, its size in pixels and in bytes."""

    output: str
    width: int
    height: int
    bytes: int


@handler(timeout=120, max_attempts=5, backoff=Backoff(first=2.0))
async def grayscale(payload: Grayscale, job: Job) -> GrayPicture:
    """Turns a JPEG, PNG or WebP picture grey: upright, without metadata, in its own format."""
    data = await _read(payload.source, job)
    try:
        picture = await anyio.to_process.run_sync(to_gray, data, cancellable=True)
    except BrokenWorkerProcess as error:
        raise Retry("The process that decodes pictures died.") from error
    output = await job.artifacts.write(picture.data, extension=picture.extension, content_type=picture.content_type)
    job.log.info("picture_written", output=output, width=picture.width, height=picture.height)
    return GrayPicture(output=output, width=picture.width, height=picture.height, bytes=len(picture.data))


async def _read(source: str, job: Job) -> bytes:
    try:
        return (await job.artifacts.read(source, limit=MAX_BYTES)).data
    except (ArtifactMissing, ArtifactTooLarge, SourceRefused) as error:
        raise Reject(str(error)) from error
