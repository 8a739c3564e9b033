"""`cqworker submit`: one job, and its result when it is waited for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cqworker.cli.failures import DONE, FAILED
from cqworker.cli.options import access_options, json_option

if TYPE_CHECKING:
    from cqworker.cli.access import Access, Job
    from cqworker.flow.submit import Submission

FOREVER = "forever"


class _Wait(click.ParamType[float | str]):
    """Seconds, or nothing for as long as it takes."""

    name = "SECONDS"

    def convert(self, value: float | str, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        try:
            return value if value == FOREVER else float(value)
        except ValueError:
            self.fail(f"{value!r} is no number of seconds; write --wait=SECONDS, or --wait at the end", param, ctx)


def _pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if not value.partition("=")[1]:
            raise click.BadParameter(f"{value!r} is no NAME=VALUE")
    return {name: value for name, _, value in (pair.partition("=") for pair in values)}


def _payload(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    import orjson

    try:
        text = _read(value)
        orjson.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{value[1:]} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise click.BadParameter(f"that is not JSON: {error}") from error
    return text


def _read(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value


@click.command()
@click.argument("type_", metavar="TYPE")
@click.argument("payload", metavar="[JSON|@FILE|-]", default="{}", callback=_payload)
@click.option("--queue", help="The queue; else the type's, else the first configured.")
@click.option("--key", "idempotency_key", help="An Idempotency-Key: for 24 h the same key gives the same job.")
@click.option("--delay", "delay_seconds", type=click.IntRange(0, 900), default=0, help="Seconds before it may start.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--metadata", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--max-attempts", type=click.IntRange(min=1), help="Starts before it has FAILED; else the type's.")
@click.option(
    "--wait",
    type=_Wait(),
    is_flag=False,
    flag_value=FOREVER,
    metavar="[SECONDS]",
    help="Wait until it is final, at most so long, and print its result.",
)
@json_option
@access_options
def submit(
    type_: str,
    wait: float | str | None,
    as_json: bool,
    config: Path | None,
    url: str | None,
    token: str | None,
    **fields: Any,
) -> int:
    """Submit a job of TYPE with a JSON payload: as text, from a file, or (-) from standard input.

    With --wait the result is printed, and the exit code is 1 when the job did not succeed.
    """
    from cqworker.cli.access import opened

    async def act() -> Job:
        async with opened(config, url, token) as access:
            return await _submitted(access, _submission(type_, fields), wait)

    job = asyncio.run(act())
    _print(job, as_json=as_json, waited=wait is not None)
    return DONE if wait is None or job["status"] == "SUCCEEDED" else FAILED


def _submission(type_: str, fields: Mapping[str, Any]) -> Submission:
    from cqworker.flow.submit import Submission

    return Submission(type=type_, traceparent=None, **fields)


async def _submitted(access: Access, submission: Submission, wait: float | str | None) -> Job:
    from cqworker.cli.access import FINAL, until_final

    job = await access.submit(submission)
    if wait is None or job["status"] in FINAL:
        return job
    click.echo(f"Job {job['job_id']} is {job['status']}; waiting. (Ctrl-C leaves it to the workers.)", err=True)
    return await until_final(access, str(job["job_id"]), None if isinstance(wait, str) else wait)


def _print(job: Job, *, as_json: bool, waited: bool) -> None:
    from cqworker.cli.words import job_words, result_text

    if as_json:
        import json

        click.echo(json.dumps(job, ensure_ascii=False, indent=2))
    elif not waited:
        click.echo(f"Job {job['job_id']} is {job['status']}. Follow it: cqworker jobs show {job['job_id']}")
    elif job["status"] == "SUCCEEDED":
        click.echo(result_text(job))
    else:
        click.echo("\n".join(job_words(job)), err=True)
