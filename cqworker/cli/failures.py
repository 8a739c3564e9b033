"""How a command ends badly: the exit code, and one sentence that says what was wrong and how to mend it."""

from __future__ import annotations

import traceback

import click

from cqworker.errors import ConfigurationError, CqworkerError, InvalidPayload

DONE = 0
FAILED = 1
USAGE = 64
INTERNAL = 70
CONFIGURATION = 78
"""sysexits.h: EX_USAGE, EX_SOFTWARE, EX_CONFIG. A supervisor must not restart on 64 and 78."""


class Unusable(CqworkerError):
    """This installation lacks what the command needs."""


def report(error: Exception, *, debug: bool) -> int:
    """Say on stderr what happened and return the exit code; the traceback only with `debug`."""
    if debug and not isinstance(error, click.exceptions.UsageError):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, click.exceptions.UsageError):
        error.show()
        return USAGE
    code, text = _ending(error, debug)
    click.echo(text, err=True)
    return code


def _ending(error: Exception, debug: bool) -> tuple[int, str]:
    if isinstance(error, ConfigurationError):
        return CONFIGURATION, "\n".join(error.faults)
    if isinstance(error, Unusable):
        return CONFIGURATION, str(error)
    if isinstance(error, InvalidPayload):
        return FAILED, f"The payload does not fit the job type: {error}"
    if isinstance(error, CqworkerError):
        return FAILED, str(error)
    if isinstance(error, click.Abort):
        return FAILED, "Interrupted."
    if isinstance(error, click.ClickException):
        return FAILED, error.format_message()
    hint = "" if debug else " `cqworker --debug …` shows where."
    return INTERNAL, f"Internal error: {type(error).__name__}: {error}.{hint}"
