"""A story told by the client that openapi-python-client wrote: `story.py URL PICTURE`."""

from __future__ import annotations

import sys
from pathlib import Path

from cqworker_api import Client
from cqworker_api.api.artifacts import download_artifact, download_job_artifact, upload_artifact
from cqworker_api.api.jobs import cancel_job, show_job, submit_job, submit_jobs
from cqworker_api.models import (
    ArtifactView,
    BatchAsk,
    BatchView,
    ImageGrayscalePayload,
    ImageGrayscaleSubmission,
    JobView,
    ProblemView,
    Status,
    TextTransformBatchJob,
    TextTransformPayload,
    TextTransformSubmission,
)
from cqworker_api.types import File


def ended(client: Client, job_id: str) -> JobView:
    job = show_job.sync(job_id, client=client, wait=20.0)
    assert isinstance(job, JobView), job
    assert job.status is Status.SUCCEEDED, job
    return job


def tell_of_texts(client: Client) -> None:
    asked = TextTransformSubmission("text.transform", TextTransformPayload("hello"), tags=["story"])
    job = submit_job.sync(client=client, body=asked, idempotency_key="python")
    again = submit_job.sync(client=client, body=asked, idempotency_key="python")
    assert isinstance(job, JobView), job
    assert isinstance(again, JobView), again
    assert again.job_id == job.job_id
    assert ended(client, job.job_id).result["uppercase"] == "HELLO"
    batch = BatchAsk([TextTransformBatchJob("text.transform", TextTransformPayload("many"))])
    answer = submit_jobs.sync(client=client, body=batch)
    assert isinstance(answer, BatchView), answer
    (entry,) = answer.jobs
    assert isinstance(entry.job, JobView), entry
    assert ended(client, entry.job.job_id).result["uppercase"] == "MANY"


def tell_of_pictures(client: Client, picture: Path) -> None:
    with picture.open("rb") as file:
        stored = upload_artifact.sync(client=client, body=File(payload=file))
    assert isinstance(stored, ArtifactView), stored
    fetched = download_artifact.sync(stored.artifact_id, client=client)
    assert isinstance(fetched, File), fetched
    assert fetched.payload.read() == picture.read_bytes()
    job = submit_job.sync(
        client=client, body=ImageGrayscaleSubmission("image.grayscale", ImageGrayscalePayload(stored.source))
    )
    assert isinstance(job, JobView), job
    ended(client, job.job_id)
    made = download_job_artifact.sync(job.job_id, client=client)
    assert isinstance(made, File), made
    assert made.payload.read(3) == b"\xff\xd8\xff"


def tell_of_errors(client: Client) -> None:
    nobody = show_job.sync("nobody", client=client)
    assert isinstance(nobody, ProblemView), nobody
    assert (nobody.status, nobody.type_) == (404, "urn:cqworker:problem:job-not-found")
    late = TextTransformSubmission("text.transform", TextTransformPayload("x"), delay_seconds=31_622_401)
    refused = submit_job.sync(client=client, body=late)
    assert isinstance(refused, ProblemView), refused
    assert isinstance(refused.errors, list), refused
    assert [fault.pointer for fault in refused.errors] == ["/delay_seconds"]
    job = submit_job.sync(client=client, body=TextTransformSubmission("text.transform", TextTransformPayload("y")))
    assert isinstance(job, JobView), job
    ended(client, job.job_id)
    too_late = cancel_job.sync(job.job_id, client=client)
    assert isinstance(too_late, ProblemView), too_late
    assert too_late.status == 409


def main(url: str, picture: str) -> None:
    client = Client(base_url=url)
    tell_of_texts(client)
    tell_of_pictures(client, Path(picture))
    tell_of_errors(client)


if __name__ == "__main__":
    main(*sys.argv[1:])
