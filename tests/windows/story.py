"""What is tried where POSIX is not, in a process of its own; prints what came of it as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import json
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

import aiobotocore.session  # noqa: F401
import aiohttp.web  # noqa: F401 - libraries are loaded while everything is there
import pydantic  # noqa: F401
import structlog  # noqa: F401

from tests.windows.like_windows import become

COMMANDS = ("run", "dev", "demo", "bench --yes", "--help", "handlers list", "config show", "run --help")


def imported() -> dict[str, str]:
    """Every module of ours, and why it cannot be imported."""
    import cqworker

    failures = {}
    for module in pkgutil.walk_packages(cqworker.__path__, "cqworker."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except BaseException as error:  # noqa: BLE001 - it is told
                failures[module.name] = repr(error)
    return failures


def tested() -> dict[str, Any]:
    """Handlers that run in the test kit."""
    from cqworker import Job, handler
    from cqworker.testing import run_handler

    @handler
    async def on_the_loop(payload: dict[str, int], job: Job) -> int:
        job.progress(1)
        return payload["n"] + 1

    @handler
    def in_a_thread(payload: dict[str, int], job: Job) -> str:
        return job.artifacts.write_sync(b"x", name="x.bin", content_type="text/plain")

    @handler
    async def with_a_child(payload: dict[str, int], job: Job) -> int:
        return await job.run_in_process(abs, -3)

    def told(function: Callable[..., Any]) -> Any:
        try:
            return asyncio.run(run_handler(function, {"n": 1})).result
        except Exception as error:  # noqa: BLE001 - it is told
            return f"{type(error).__name__}: {error}"

    found = {function.__name__: told(function) for function in (on_the_loop, in_a_thread, with_a_child)}
    from tests.windows import child_handlers

    return {**found, "process": told(child_handlers.in_a_process)}


def submitted() -> str:
    """A job through the client, from a server in the same loop."""
    from cqworker.client import Client
    from tests.client.scripted import job, scripted

    async def story() -> str:
        async with scripted(job()) as server, Client.http(server.url) as client:
            return (await client.submit("t", {}, key="k")).job_id

    return asyncio.run(story())


def commanded(line: str) -> tuple[int, str]:
    from cqworker.cli.program import program

    out, err = io.StringIO(), io.StringIO()
    code: Any = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            program.main(line.split(), prog_name="cqworker")
        except SystemExit as end:
            code = end.code
    return code, err.getvalue()


def lived() -> str:
    from cqworker.daemon.lifecycle import run
    from cqworker.enums import ROLES
    from cqworker.settings import Settings

    try:
        asyncio.run(run(Settings(), ROLES))
    except Exception as error:  # noqa: BLE001 - it is told
        return f"{type(error).__name__}: {error}"
    return "nothing"


if __name__ == "__main__":
    become()
    findings = {
        "imported": imported(),
        "tested": tested(),
        "submitted": submitted(),
        "commanded": {line: commanded(line) for line in COMMANDS},
        "lived": lived(),
    }
    sys.stdout.write(json.dumps(findings))
