"""The program: its commands, its global options, its exit codes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from cqworker.cli.exit_codes import report
from cqworker.cli.lazy_group import LazyCommand, LazyGroup
from cqworker.enums import ExitCode

COMMANDS: Mapping[str, LazyCommand] = {
    "run": LazyCommand("cqworker.cli.run:run", "Run the daemon until it is told to stop."),
    "dev": LazyCommand("cqworker.cli.dev:dev", "Run the daemon on an embedded AWS, for development."),
    "demo": LazyCommand("cqworker.cli.demo:demo", "Run a few jobs on an embedded AWS and tell their story."),
    "submit": LazyCommand("cqworker.cli.submit:submit", "Submit a job, or many."),
    "jobs": LazyCommand("cqworker.cli.jobs:jobs", "Show, retry and cancel jobs."),
    "operations": LazyCommand("cqworker.cli.operations:operations", "See operations on many jobs; stop one."),
    "workers": LazyCommand("cqworker.cli.workers:workers", "See who works; quiet, resume or drain a worker."),
    "queues": LazyCommand("cqworker.cli.queues:queues", "See how queues stand; pause, drain or resume one."),
    "limits": LazyCommand("cqworker.cli.limits:limits", "See how limits stand; set, pause or resume one."),
    "handlers": LazyCommand("cqworker.cli.handlers:handlers", "See the job types that are installed."),
    "config": LazyCommand("cqworker.cli.config:config", "See the configuration that applies."),
    "doctor": LazyCommand("cqworker.cli.doctor:doctor", "Check that AWS, plugins and settings fit together."),
    "provision": LazyCommand("cqworker.cli.provision:provision", "Create or mend table, queues and bucket."),
    "bench": LazyCommand("cqworker.cli.bench.bench_command:bench", "Measure what a job costs on the configured AWS."),
}
HELP = {"help_option_names": ["-h", "--help"]}


@dataclass(slots=True)
class GlobalOptions:
    """The values of the global options, for the report of an error."""

    debug: bool = False


class Program(LazyGroup):
    """The group that ends the process: with a command's own code, or with the code of its error."""

    entries: Mapping[str, LazyCommand] = COMMANDS

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run and exit; no traceback is shown without --debug."""
        session = GlobalOptions()
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False, "obj": session})
        except Exception as error:  # noqa: BLE001 - the last word: every error becomes a sentence and a code
            code = report(error, debug=session.debug)
        sys.exit(code or ExitCode.DONE)


@click.group(cls=Program, context_settings=HELP)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="cqworker", message="cqworker %(version)s")
@click.pass_obj
def program(session: GlobalOptions, debug: bool) -> None:
    """cqworker drains Amazon SQS queues and keeps the truth about every job.

    Exit codes: 0 done, 1 the job or check failed, 64 wrong usage, 70 internal error, 78 wrong configuration.
    """
    session.debug = debug
