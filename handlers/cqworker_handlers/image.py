"""image.grayscale: a picture from S3, without its colours, back to S3."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from cqworker import (
    ArtifactMissing,
    ArtifactTooLarge,
    Backoff,
    Job,
    ProcessDied,
    ProcessTimeout,
    Reject,
    Retry,
    Source,
    SourceRefused,
    handler,
)
from cqworker_handlers.bounds import memory_of_machine
from cqworker_handlers.pixels import to_gray

MAX_BYTES = 33_554_432
"""The largest file that is read: 32 MiB."""
MAX_CPU_TIME = 60.0
"""Seconds of processor time for one picture: four times what the slowest legal ones take."""


class Grayscale(BaseModel):
    """The picture to turn grey; the output's place is the job's own, so that attempts cannot overwrite each other."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"source": "artifact:f2193fcc5b03977ff178946c5852f386"}]}
    )

    source: Source


class GrayPicture(BaseModel):
    """Where the grey picture is, its size in pixels and in bytes."""

    output: str
    width: int
    height: int
    bytes: int


@handler(timeout=120, max_attempts=5, backoff=Backoff(first=2.0), concurrency="processors")
async def grayscale(payload: Grayscale, job: Job) -> GrayPicture:
    """Turns a JPEG, PNG or WebP picture grey: upright, without metadata, in its own format."""
    data = await _read(payload.source, job)
    memory, largest = job.memory or memory_of_machine(), job.artifacts.largest
    try:
        picture = await job.run_in_process(to_gray, data, memory, largest, memory=memory, cpu_time=MAX_CPU_TIME)
    except ProcessTimeout as error:
        raise Reject(f"The picture needs more than {MAX_CPU_TIME:g} s of processor time.") from error
    except ProcessDied as error:
        raise Retry("The process that decodes pictures died.") from error
    output = await job.artifacts.write(picture.data, extension=picture.extension, content_type=picture.content_type)
    job.log.info("picture_written", output=output, width=picture.width, height=picture.height)
    return GrayPicture(output=output, width=picture.width, height=picture.height, bytes=len(picture.data))


async def _read(source: str, job: Job) -> bytes:
    try:
        return (await job.artifacts.read(source, limit=MAX_BYTES)).data
    except (ArtifactMissing, ArtifactTooLarge, SourceRefused) as error:
        raise Reject(str(error)) from error
