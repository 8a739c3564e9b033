"""`cqworker submit`: one job, and its result when it is waited for; or many, a line each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from click.core import ParameterSource

from cqworker.cli.options import access_options, json_option, refuse_empty
from cqworker.cli.priority_option import priority_option
from cqworker.cli.time_options import time_options
from cqworker.cli.unique_options import UNIQUE_OPTIONS, unique_field, unique_options
from cqworker.enums import ExitCode
from cqworker.model.status import Status

if TYPE_CHECKING:
    from cqworker.client.job_types import View
    from cqworker.client.transport import Transport

UNTIL_FINAL = "forever"
"""What --wait without a number of seconds becomes."""
JOB_OPTIONS = (
    *("queue", "key", "delay_seconds", "run_at", "tags", "metadata", "max_attempts", "priority", "limit_key", "wait"),
    *UNIQUE_OPTIONS,
    *("on_duplicate", "debounce_seconds", "max_wait_seconds"),
)
"""Parameters that describe one job, and go with no --batch."""


class _Wait(click.ParamType[float | str]):
    """Seconds, or no value for as long as it takes."""

    name = "SECONDS"

    def convert(self, value: float | str, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        try:
            return value if value == UNTIL_FINAL else float(value)
        except ValueError:
            self.fail(f"{value!r} is no number of seconds; write --wait=SECONDS, or --wait at the end", param, ctx)


def _parse_pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if not value.partition("=")[1]:
            raise click.BadParameter(f"{value!r} is no NAME=VALUE")
    return {name: value for name, _, value in (pair.partition("=") for pair in values)}


def _read_payload(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    import orjson

    try:
        text = _read(value)
        orjson.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{value[1:]} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise click.BadParameter(
            f'that is not JSON: {error}. Write an object, such as \'{{"name": "Ada"}}\''
        ) from error
    return text


def _read(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value


@click.command()
@click.argument("type_", metavar="TYPE", required=False)
@click.argument("payload", metavar="[JSON|@FILE|-]", default="{}", callback=_read_payload)
@click.option("--queue", help="The queue; else the type's, else the first configured.")
@click.option("--key", help="An Idempotency-Key: for 24 h the same key gives the same job.")
@time_options
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--metadata", multiple=True, callback=_parse_pairs, metavar="NAME=VALUE", help="May be repeated.")
@unique_options
@click.option("--max-attempts", type=click.IntRange(min=1), help="Starts before it has FAILED; else the type's.")
@priority_option
@click.option(
    "--limit-key", callback=refuse_empty, help="What limits of key:* count it by, with other jobs of this text."
)
@click.option(
    "--wait",
    type=_Wait(),
    is_flag=False,
    flag_value=UNTIL_FINAL,
    metavar="[SECONDS]",
    help="Wait until it is final, at most so long, and print its result.",
)
@click.option(
    "--batch",
    type=click.File("rb"),
    metavar="FILE|-",
    help="Submit the jobs of a file: a JSON object a line, each as in POST /jobs/batch.",
)
@json_option
@access_options
def submit(
    type_: str | None,
    batch: BinaryIO | None,
    wait: float | str | None,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
    **fields: Any,
) -> int:
    """Submit a job of TYPE with a JSON payload: as text, from a file, or (-) from standard input.

    With --wait the result is printed, and the exit code is 1 when the job did not succeed. With --batch there is a line
    about each job, and the exit code is 1 when one was refused.
    """
    from cqworker.cli.job_access import open_transport

    access = open_transport(config, url, token)
    if batch is not None:
        from cqworker.cli.submit_batch import submit_lines

        _forbid_job_options(type_)
        return asyncio.run(submit_lines(batch, access, as_json=as_json))
    if type_ is None:
        raise click.UsageError("Missing argument 'TYPE'.")
    job = asyncio.run(_submit(access, _body(type_, fields), fields["key"], wait))
    _print(job, as_json=as_json, waited=wait is not None)
    return ExitCode.DONE if wait is None or job["status"] == Status.SUCCEEDED else ExitCode.FAILED


def _forbid_job_options(type_: str | None) -> None:
    """Raises UsageError where --batch comes with a job's own options: each line states them."""
    context = click.get_current_context()
    given = [name for name in JOB_OPTIONS if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if type_ is not None or given:
        raise click.UsageError("--batch goes with no TYPE and no option of a job: each line says its own.")


def _body(type_: str, fields: Mapping[str, Any]) -> bytes:
    """The job as POST /jobs takes it; the payload's text stays as it is."""
    import orjson

    apart = ("payload", "key", *UNIQUE_OPTIONS)
    given = {name: value for name, value in fields.items() if name not in apart and value not in (None, "", (), {})}
    if (unique := unique_field(fields)) is not None:
        given["unique"] = unique
    return orjson.dumps({"type": type_, "payload": orjson.Fragment(fields["payload"]), **given})


async def _submit(
    access: AbstractAsyncContextManager[Transport], body: bytes, key: str | None, wait: float | str | None
) -> View:
    from cqworker.client.wait_for_end import is_final, wait_until_final

    async with access as transport:
        job = await transport.submit(body, key)
        if wait is None or is_final(job):
            return job
        click.echo(f"Job {job['job_id']} is {job['status']}; waiting. (Ctrl-C leaves it to the workers.)", err=True)
        return await wait_until_final(transport, job["job_id"], None if isinstance(wait, str) else wait)


def _print(job: View, *, as_json: bool, waited: bool) -> None:
    from cqworker.cli.job_text import describe_job, result_text

    if as_json:
        import json

        click.echo(json.dumps(job, ensure_ascii=False, indent=2))
    elif not waited:
        click.echo(f"Job {job['job_id']} {_state(job)}. Follow it: cqworker jobs show {job['job_id']}")
    elif job["status"] == Status.SUCCEEDED:
        click.echo(result_text(job))
    else:
        click.echo("\n".join(describe_job(job)), err=True)


def _state(job: View) -> str:
    """What became of a submission: a job of its own, or the one that has its unique key, as it is or replaced."""
    from cqworker.model.history import REPLACED

    starts = f", to start at {job['scheduled_at']}" if job["scheduled_at"] and job["status"] == Status.QUEUED else ""
    if not job.get("unique"):
        return f"is {job['status']}"
    if job["history"] and job["history"][-1]["event"] == REPLACED:
        return f"has this unique key, and this payload from now on: it is {job['status']}{starts}"
    return f"has this unique key already, and is {job['status']}"
