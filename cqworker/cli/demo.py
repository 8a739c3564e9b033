"""`cqworker demo`: two jobs on an embedded AWS, from HTTP to their results, printed step by step."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cqworker.cli.dev import fit_embedded_aws, start_embedded_aws
from cqworker.cli.job_text import describe_job
from cqworker.cli.posix_only import require_posix
from cqworker.enums import ROLES
from cqworker.errors import CqworkerError
from cqworker.model.status import Status

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from cqworker.settings import Settings

PICTURE_PACKAGE = "cqworker_handlers"
PICTURE = "demo/astronaut.jpg"
OUTPUT = "demo-output"
TEXT = "the quick brown fox jumps over the lazy dog"
WAIT_SECONDS = 20
"""Seconds that one request waits for a job's end: on an idle machine the demo's take one."""


class DemoFailed(CqworkerError):
    """A job of the demo did not succeed."""


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=OUTPUT,
    show_default=True,
    help="Where the grey picture is written.",
)
def demo(output: Path) -> int:
    """Run a text job and a picture job on an embedded AWS, and tell what happened to them.

    Nothing outside this machine is asked for, and nothing is left but the picture.
    """
    require_posix()
    from cqworker.cli.event_loop import run_on_loop

    return run_on_loop(_demo(output))


async def _demo(output: Path) -> int:
    """Start everything, run the jobs, drain; the exit code is the daemon's."""
    settings = fit_embedded_aws(_settings())
    async with AsyncExitStack() as stack:
        aws = await start_embedded_aws(stack)
        from cqworker.cli.provision import provision_all, receive_counts
        from cqworker.daemon import lifecycle

        await provision_all(settings, receive_counts(settings))
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(lifecycle.run(settings, ROLES, on_ready=address.set_result))
        running.add_done_callback(lambda _: address.cancel())
        with suppress(asyncio.CancelledError):
            await address
        if running.done():
            return running.result()
        _print(f"The daemon serves {address.result()} on an embedded AWS (SQS, DynamoDB, S3) at {aws.endpoint_url}.")
        try:
            await _run_jobs(address.result(), output)
        finally:
            _print("", "Told to stop (SIGTERM), the daemon drains.")
            os.kill(os.getpid(), signal.SIGTERM)
            code = await running
        _print(f"It has stopped with exit code {code}.")
        return code


def _settings() -> Settings:
    """The defaults on any free port, and a log that speaks up only when something is wrong."""
    from cqworker.settings import HttpSettings, LogSettings, Settings

    return Settings(http=HttpSettings(port=0), log=LogSettings(level="warning"))


async def _run_jobs(url: str, output: Path) -> None:
    from aiohttp import ClientSession

    async with ClientSession(url) as session:
        _print("", "1. A text job", "")
        job = await _run_job(session, {"type": "text.transform", "payload": {"text": TEXT}})
        _print(*describe_job(job))
        _print("", "2. A picture job: a photograph is uploaded, turned grey in a worker, and fetched back", "")
        source = await _upload(session)
        job = await _run_job(session, {"type": "image.grayscale", "payload": {"source": source}})
        _print(*describe_job(job))
        await _fetch(session, str(job["job_id"]), output)


async def _run_job(session: ClientSession, body: dict[str, Any]) -> dict[str, Any]:
    """Submit a job and wait for its end. Raises DemoFailed where that is no success."""
    async with session.post("/jobs", json=body) as response:
        job = await response.json()
    _print(f"POST /jobs answered {response.status}: job {job.get('job_id', job)}")
    async with session.get(f"/jobs/{job['job_id']}", params={"wait": WAIT_SECONDS}) as response:
        ended: dict[str, Any] = await response.json()
    if ended["status"] != Status.SUCCEEDED:
        raise DemoFailed("\n".join(["A job of the demo did not succeed.", *describe_job(ended)]))
    return ended


async def _upload(session: ClientSession) -> str:
    photograph = files(PICTURE_PACKAGE).joinpath(PICTURE).read_bytes()
    async with session.post("/artifacts", data=photograph, headers={"Content-Type": "image/jpeg"}) as response:
        artifact = await response.json()
    _print(f"POST /artifacts answered {response.status}: {len(photograph)} bytes as {artifact['source']}")
    return str(artifact["source"])


async def _fetch(session: ClientSession, job_id: str, output: Path) -> None:
    async with session.get(f"/jobs/{job_id}/artifact") as response:
        picture = await response.read()
    path = output / "astronaut-grey.jpg"
    await asyncio.to_thread(_write, path, picture)
    _print(f"GET /jobs/{job_id}/artifact answered {response.status}: {len(picture)} bytes, written to {path}")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise DemoFailed(f"Cannot write {path}: {error.strerror}. Choose another folder with --output.") from error


def _print(*lines: str) -> None:
    for line in lines:
        click.echo(line)
